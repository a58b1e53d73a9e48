"""A pod's resolv.conf, hosts and host name, as text.

Source: the Kubernetes documentation "DNS for Services and Pods"; limits of glibc as the kubelet keeps them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wherry.api.types import Object
from wherry.node.pod import spec

MAX_NAMESERVERS = 3
MAX_SEARCHES = 32
MAX_SEARCH_CHARACTERS = 2048
MAX_HOSTNAME = 63


@dataclass(frozen=True, slots=True)
class Resolver:
    """The three parts of a resolv.conf."""

    nameservers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    def text(self) -> str:
        lines = []
        if self.searches:
            lines.append(f"search {' '.join(self.searches)}")
        lines += [f"nameserver {server}" for server in self.nameservers]
        if self.options:
            lines.append(f"options {' '.join(self.options)}")
        return "".join(f"{line}\n" for line in lines)


def parse_resolver(text: str) -> Resolver:
    """The machine's own resolv.conf."""
    servers: list[str] = []
    searches: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if len(words) >= 2 and words[0] == "nameserver":
            servers.append(words[1])
        elif words and words[0] == "search":
            searches = tuple(word for word in words[1:] if word != ".")
        elif words and words[0] == "options":
            options = tuple(words[1:])
    return Resolver(tuple(servers), searches, options)


def resolver(pod: Object, *, cluster_servers: Sequence[str], cluster_domain: str, host: Resolver) -> Resolver:
    """What goes into the pod's resolv.conf."""
    policy = pod["spec"].get("dnsPolicy") or "ClusterFirst"
    if policy == "ClusterFirst" and spec.uses_host_network(pod):
        policy = "Default"
    if policy == "None":
        base = Resolver()
    elif policy == "Default" or not cluster_servers:
        base = host
    else:
        namespace = spec.namespace(pod)
        own = (f"{namespace}.svc.{cluster_domain}", f"svc.{cluster_domain}", cluster_domain)
        base = Resolver(tuple(cluster_servers), (*own, *host.searches), ("ndots:5",))
    return _with_config(base, pod["spec"].get("dnsConfig") or {})


def _with_config(base: Resolver, config: Object) -> Resolver:
    servers = dict.fromkeys([*base.nameservers, *(config.get("nameservers") or ())])
    searches = dict.fromkeys([*base.searches, *(config.get("searches") or ())])
    options = {option.partition(":")[0]: option for option in base.options}
    for option in config.get("options") or ():
        value = option.get("value")
        options[option["name"]] = f"{option['name']}:{value}" if value not in (None, "") else option["name"]
    return Resolver(tuple(servers)[:MAX_NAMESERVERS], _fit(searches), tuple(options.values()))


def _fit(searches: dict[str, None]) -> tuple[str, ...]:
    kept: list[str] = []
    for search in searches:
        if len(kept) == MAX_SEARCHES or len(" ".join([*kept, search])) > MAX_SEARCH_CHARACTERS:
            break
        kept.append(search)
    return tuple(kept)


def short_hostname(pod: Object) -> str:
    """`spec.hostname` or the pod's name, cut to 63 characters."""
    name = str(pod["spec"].get("hostname") or spec.name(pod))
    return name[:MAX_HOSTNAME].rstrip("-.")


def domain(pod: Object, cluster_domain: str) -> str:
    """The pod's domain where it has a subdomain, else empty."""
    subdomain = pod["spec"].get("subdomain")
    return f"{subdomain}.{spec.namespace(pod)}.svc.{cluster_domain}" if subdomain else ""


def hostname(pod: Object, cluster_domain: str) -> str:
    """What the kernel is told: the short name, or the whole one with setHostnameAsFQDN."""
    if override := pod["spec"].get("hostnameOverride"):
        return str(override)
    short, found = short_hostname(pod), domain(pod, cluster_domain)
    return f"{short}.{found}" if pod["spec"].get("setHostnameAsFQDN") and found else short


def hosts(pod: Object, addresses: Sequence[str], cluster_domain: str) -> str:
    """The pod's /etc/hosts: loopback, itself, and its aliases."""
    short, found = short_hostname(pod), domain(pod, cluster_domain)
    names = f"{short}.{found}\t{short}" if found else short
    lines = [
        "# Kubernetes-managed hosts file.",
        "127.0.0.1\tlocalhost",
        "::1\tlocalhost ip6-localhost ip6-loopback",
        "fe00::0\tip6-localnet",
        "fe00::0\tip6-mcastprefix",
        "fe00::1\tip6-allnodes",
        "fe00::2\tip6-allrouters",
        *(f"{address}\t{names}" for address in addresses),
    ]
    return "\n".join(lines) + "\n" + aliases(pod)


def host_network_hosts(pod: Object, machine_hosts: str) -> str:
    """/etc/hosts of a pod on the host's network: the machine's own, and the pod's aliases."""
    return f"# Kubernetes-managed hosts file (host network).\n{machine_hosts}" + aliases(pod)


def aliases(pod: Object) -> str:
    entries = pod["spec"].get("hostAliases") or ()
    if not entries:
        return ""
    names = (f"{entry['ip']}\t" + "\t".join(entry.get("hostnames") or ()) for entry in entries)
    return "\n# Entries added by HostAliases.\n" + "".join(f"{line}\n" for line in names)
