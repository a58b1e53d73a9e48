"""CronJob: make a Job whenever its schedule says so.

`schedule` is cron's language (pure), `due` finds the run that is due (pure), `controller` is the loop.
Source: k8s.io/kubernetes pkg/controller/cronjob; github.com/robfig/cron/v3 for the schedules.
"""
