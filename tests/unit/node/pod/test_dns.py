"""resolv.conf, hosts and host names."""

from wherry.node.pod.dns import Resolver, hostname, hosts, parse_resolver, resolver
from wherry.testing.pods import pod

HOST = parse_resolver("nameserver 9.9.9.9 # x\nsearch example.org\noptions edns0\n")


def made(wanted):
    return resolver(wanted, cluster_servers=("10.0.0.10",), cluster_domain="cluster.local", host=HOST)


def test_cluster_first():
    assert made(pod()).text() == (
        "search n.svc.cluster.local svc.cluster.local cluster.local example.org\n"
        "nameserver 10.0.0.10\noptions ndots:5\n"
    )


def test_other_policies():
    assert made(pod(dnsPolicy="Default")) == HOST
    assert made(pod(hostNetwork=True)) == HOST
    assert made(pod(hostNetwork=True, dnsPolicy="ClusterFirstWithHostNet")).nameservers == ("10.0.0.10",)
    config = {"nameservers": ["1.1.1.1"], "searches": ["a.b"], "options": [{"name": "ndots", "value": "2"}]}
    assert made(pod(dnsPolicy="None", dnsConfig=config)) == Resolver(("1.1.1.1",), ("a.b",), ("ndots:2",))
    assert made(pod(dnsConfig=config)).options == ("ndots:2",)


def test_hosts():
    wanted = pod(hostname="web", subdomain="s", hostAliases=[{"ip": "1.2.3.4", "hostnames": ["x", "y"]}])
    text = hosts(wanted, ["10.1.0.2"], "cluster.local")
    assert "10.1.0.2\tweb.s.n.svc.cluster.local\tweb\n" in text
    assert text.endswith("# Entries added by HostAliases.\n1.2.3.4\tx\ty\n")


def test_hostname():
    assert hostname(pod(name="a" * 70), "cluster.local") == "a" * 63
    wanted = pod(subdomain="s", setHostnameAsFQDN=True)
    assert hostname(wanted, "cluster.local") == "p.s.n.svc.cluster.local"
