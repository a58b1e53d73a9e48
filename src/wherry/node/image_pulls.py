"""Bringing a container's image here, by its pull policy, with the kubelet's events and back-off."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from wherry.api.types import Object
from wherry.base.clock import Clock
from wherry.node.pod import spec
from wherry.node.pod.observed import Failure, Waiting
from wherry.node.pod.restart import CAP_SECONDS, INITIAL_SECONDS
from wherry.node.runtimes.port import Image, Images, Login, RuntimeFailure

ERROR_SHOWN_SECONDS = 2.0
"""How long `ErrImagePull` is shown before it becomes `ImagePullBackOff`."""

Tell = Callable[[str, str, str], None]
"""Type, reason and message of an event about the container."""
Secrets = Callable[[str, str], Awaitable[Object | None]]
"""A Secret by namespace and name; None where it is not to be had."""


async def no_secrets(namespace: str, name: str) -> Object | None:
    return None


class StartProblem(Exception):
    """A container could not be started; `failure` says what to show and when to try again."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.waiting.message or failure.waiting.reason)
        self.failure = failure


def elapsed(seconds: float) -> str:
    """`393ms`, `1.204s`, as Go prints a duration rounded to milliseconds."""
    milliseconds = round(seconds * 1000)
    if milliseconds < 1000:
        return f"{milliseconds}ms" if milliseconds else "0s"
    minutes, rest = divmod(milliseconds, 60_000)
    text = f"{rest / 1000:g}s"
    return f"{minutes}m{text}" if minutes else text


class ImagePulls:
    """One per node: the same image is pulled once at a time, whoever asks."""

    def __init__(self, images: Images, clock: Clock, secrets: Secrets = no_secrets) -> None:
        self._images = images
        self._clock = clock
        self._secrets = secrets
        self._pulling: dict[tuple[str, Login | None], asyncio.Task[Image]] = {}
        self._backoffs: dict[tuple[str, str], tuple[float, float, str]] = {}
        """By pod and image: seconds, since when, and the last error."""

    async def ensure(self, pod: Object, container: Object, tell: Tell) -> Image:
        """The image, pulled if the policy says so. Raises `StartProblem`."""
        reference = container.get("image") or ""
        policy = container.get("imagePullPolicy") or default_policy(reference)
        self._check_name(reference, tell)
        present = self._images.find(reference)
        if policy == "Never" or (policy == "IfNotPresent" and present is not None):
            return self._without_pull(reference, present, tell)
        key = (spec.uid(pod), reference)
        self._refuse_while_waiting(key, reference, tell)
        return await self._pull(key, reference, await self._logins(pod, reference, tell), tell)

    async def _logins(self, pod: Object, reference: str, tell: Tell) -> tuple[Login, ...]:
        names = [each["name"] for each in pod["spec"].get("imagePullSecrets") or () if each.get("name")]
        if not names:
            return ()
        from wherry.node.images.logins import logins_for

        found = {name: await self._secrets(spec.namespace(pod), name) for name in dict.fromkeys(names)}
        if missing := sorted(name for name, secret in found.items() if secret is None):
            text = f"Unable to retrieve some image pull secrets ({', '.join(missing)}); "
            tell("Warning", "FailedToRetrieveImagePullSecret", f"{text}attempting to pull the image may not succeed.")
        return logins_for(reference, [secret for secret in found.values() if secret is not None])

    def _without_pull(self, reference: str, present: Image | None, tell: Tell) -> Image:
        if present is not None:
            text = f'Container image "{reference}" already present on machine and can be accessed by the pod'
            tell("Normal", "Pulled", text)
            return present
        text = f'Container image "{reference}" is not present with pull policy of Never'
        tell("Warning", "ErrImageNeverPull", text)
        raise self._problem("ErrImageNeverPull", text, INITIAL_SECONDS, tell)

    def _check_name(self, reference: str, tell: Tell) -> None:
        repository = reference.partition("@")[0].rpartition("/")[2].partition(":")[0]
        if repository and repository == repository.lower():
            return
        why = "repository name must be lowercase" if repository else "invalid reference format"
        text = f'Failed to apply default image tag "{reference}": couldn\'t parse image name "{reference}": {why}'
        tell("Warning", "InspectFailed", text)
        raise self._problem("InvalidImageName", text, INITIAL_SECONDS, tell)

    def _refuse_while_waiting(self, key: tuple[str, str], reference: str, tell: Tell) -> None:
        delay, since, error = self._backoffs.get(key, (0.0, 0.0, ""))
        left = since + delay - self._clock.monotonic()
        if left > 0:
            text = f'Back-off pulling image "{reference}"'
            tell("Normal", "BackOff", text)
            raise self._problem("ImagePullBackOff", f"{text}: {error}", left, tell)

    async def _pull(self, key: tuple[str, str], reference: str, logins: Sequence[Login], tell: Tell) -> Image:
        tell("Normal", "Pulling", f'Pulling image "{reference}"')
        began = self._clock.monotonic()
        try:
            image = await self._pull_as_any(reference, logins)
        except RuntimeFailure as error:
            self._back_off(key, f"ErrImagePull: {error}")
            tell("Warning", "Failed", f'Failed to pull image "{reference}": {error}')
            raise self._problem("ErrImagePull", str(error), ERROR_SHOWN_SECONDS, tell) from error
        self._backoffs.pop(key, None)
        took = elapsed(self._clock.monotonic() - began)
        text = f'Successfully pulled image "{reference}" in {took} ({took} including waiting).'
        tell("Normal", "Pulled", f"{text} Image size: {image.size_bytes} bytes.")
        return image

    async def _pull_as_any(self, reference: str, logins: Sequence[Login]) -> Image:
        """With one login after another, until one works; raises what the last one got."""
        for login in logins[:-1]:
            try:
                return await self._pull_once(reference, login)
            except RuntimeFailure:
                continue
        return await self._pull_once(reference, logins[-1] if logins else None)

    async def _pull_once(self, reference: str, login: Login | None) -> Image:
        key = reference, login
        task = self._pulling.get(key)
        if task is None:
            task = self._pulling[key] = asyncio.ensure_future(self._images.pull(reference, login))
            task.add_done_callback(lambda done: self._pulled(key, done))
        return await asyncio.shield(task)

    def _pulled(self, key: tuple[str, Login | None], task: asyncio.Task[Image]) -> None:
        self._pulling.pop(key, None)
        if not task.cancelled():
            task.exception()  # Somebody may have stopped waiting for it.

    def _back_off(self, key: tuple[str, str], error: str) -> None:
        delay = self._backoffs[key][0] * 2 if key in self._backoffs else INITIAL_SECONDS
        self._backoffs[key] = (min(delay, CAP_SECONDS), self._clock.monotonic(), error)

    def _problem(self, reason: str, message: str, seconds: float, tell: Tell) -> StartProblem:
        tell("Warning", "Failed", f"Error: {reason}")
        return StartProblem(Failure(waiting=Waiting(reason, message), retry_at=self._clock.now() + seconds))

    def forget(self, uid: str) -> None:
        """The pod is gone."""
        for key in [key for key in self._backoffs if key[0] == uid]:
            del self._backoffs[key]

    async def close(self) -> None:
        for task in list(self._pulling.values()):
            task.cancel()


def default_policy(reference: str) -> str:
    """Always for `latest` and for no tag, else IfNotPresent."""
    name, _, digest = reference.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return "Always" if not digest and tag in ("", "latest") else "IfNotPresent"
