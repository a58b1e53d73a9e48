"""KubeSchedulerConfiguration files: what they come to, and what is said of wrong ones."""

from __future__ import annotations

import pytest

from wherry.scheduler.configuration.model import SchedulerConfigError
from wherry.scheduler.configuration.profiles import plugins_at
from wherry.scheduler.configuration.reading import read_config

HEAD = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"


def test_an_empty_file_is_the_defaults():
    config = read_config(HEAD)
    (profile,) = config.profiles
    assert (profile.name, profile.percentage, config.max_backoff_seconds) == ("default-scheduler", 0, 10.0)
    assert plugins_at(profile, "score") == [
        ("TaintToleration", 3),
        ("NodeAffinity", 2),
        ("NodeResourcesFit", 1),
        ("PodTopologySpread", 2),
        ("InterPodAffinity", 2),
        ("NodeResourcesBalancedAllocation", 1),
        ("ImageLocality", 1),
    ]


def test_points_switch_plugins_on_and_off():
    config = read_config(
        HEAD
        + """
percentageOfNodesToScore: 50
profiles:
- schedulerName: a
  plugins:
    multiPoint: {disabled: [{name: ImageLocality}], enabled: [{name: NodeAffinity, weight: 9}]}
    score:
      enabled: [{name: InterPodAffinity, weight: 5}]
      disabled: [{name: TaintToleration}]
    filter: {disabled: [{name: "*"}], enabled: [{name: NodeName}]}
- schedulerName: b
  percentageOfNodesToScore: 70
"""
    )
    first, second = config.profiles
    assert plugins_at(first, "score") == [
        ("InterPodAffinity", 5),
        ("NodeAffinity", 9),
        ("NodeResourcesFit", 1),
        ("PodTopologySpread", 2),
        ("NodeResourcesBalancedAllocation", 1),
    ]
    assert [name for name, _ in plugins_at(first, "filter")] == ["NodeName"]
    assert (first.percentage, second.percentage) == (50, 70)


WRONG = {
    "podInitialBackoffSeconds: 0": "podInitialBackoffSeconds: Invalid value: 0: must be greater than 0",
    "podMaxBackoffSeconds: 0": "podMaxBackoffSeconds: Invalid value: 0: must be greater than or equal to PodInitialBackoffSeconds",
    "percentageOfNodesToScore: 101": "percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]",
    "parallelism: 0": "parallelism: Invalid value: 0: should be an integer value greater than zero",
    "profiles: [{schedulerName: a}, {schedulerName: a}]": (
        'profiles[1].schedulerName: Duplicate value: "profiles[0].schedulerName"'
    ),
    "profiles: [{schedulerName: a}, {}]": "profiles[1].schedulerName: Required value",
    "profiles: [{plugin: {}}]": 'strict decoding error: unknown field "profiles[0].plugin"',
    "extenders: [{urlPrefix: 'http://x', prioritizeVerb: p}]": (
        "extenders[0].weight: Invalid value: 0: must have a positive weight applied to it"
    ),
    "extenders: [{urlPrefix: 'http://x', bindVerb: b}, {urlPrefix: 'http://y', bindVerb: b}]": (
        'extenders: Invalid value: "found 2 extenders implementing bind": only one extender can implement bind'
    ),
    "profiles: [{plugins: {filter: {enabled: [{name: Foo}]}}}]": (
        'creating profile "default-scheduler": initializing plugins: FilterPlugin "Foo" does not exist'
    ),
    "profiles: [{plugins: {filter: {enabled: [{name: ImageLocality}]}}}]": (
        'creating profile "default-scheduler": initializing plugins: plugin "ImageLocality" does not extend Filter plugin'
    ),
    "profiles: [{plugins: {queueSort: {disabled: [{name: '*'}]}}}]": (
        'creating profile "default-scheduler": no queue sort plugin is enabled'
    ),
}


@pytest.mark.parametrize("line", list(WRONG))
def test_what_is_wrong_is_said(line: str):
    with pytest.raises(SchedulerConfigError) as raised:
        read_config(HEAD + line)
    assert str(raised.value) == WRONG[line]


def args(name: str, text: str) -> str:
    return f"{HEAD}profiles: [{{pluginConfig: [{{name: {name}, args: {text}}}]}}]"


PATH = "profiles[0].pluginConfig[0].args"
WRONG_ARGS = {
    ("DefaultPreemption", "{minCandidateNodesPercentage: -1}"): (
        "minCandidateNodesPercentage: Invalid value: -1: not in valid range [0, 100]"
    ),
    ("InterPodAffinity", "{hardPodAffinityWeight: 101}"): (
        "hardPodAffinityWeight: Invalid value: 101: not in valid range [0, 100]"
    ),
    ("NodeResourcesBalancedAllocation", "{resources: [{name: cpu, weight: 2}]}"): (
        "resources[0].weight: Invalid value: 2: must be 1"
    ),
    ("NodeResourcesFit", "{scoringStrategy: {type: Best}}"): (
        'scoringStrategy.type: Unsupported value: "Best": supported values: '
        '"LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"'
    ),
    ("NodeResourcesFit", "{scoringStrategy: {type: RequestedToCapacityRatio}}"): (
        "scoringStrategy.requestedToCapacityRatio: Required value: must be specified when type is RequestedToCapacityRatio"
    ),
    ("NodeResourcesFit", "{ignoredResourceGroups: [a/b]}"): (
        "ignoredResourceGroups[0]: Invalid value: \"a/b\": resource group name can't contain '/'"
    ),
    ("PodTopologySpread", "{defaultConstraints: [{maxSkew: 1, topologyKey: a, whenUnsatisfiable: ScheduleAnyway}]}"): (
        'defaultingType: Invalid value: "System": when .defaultConstraints are not empty'
    ),
    ("VolumeBinding", "{bindTimeoutSeconds: -1}"): (
        "bindTimeoutSeconds: Invalid value: -1: invalid BindTimeoutSeconds, should not be a negative value"
    ),
}


@pytest.mark.parametrize("case", list(WRONG_ARGS))
def test_what_is_wrong_with_arguments(case: tuple[str, str]):
    with pytest.raises(SchedulerConfigError) as raised:
        read_config(args(*case))
    assert str(raised.value) == f"{PATH}.{WRONG_ARGS[case]}"
