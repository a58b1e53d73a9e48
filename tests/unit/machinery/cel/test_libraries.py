"""What the functions of the libraries give: one table per library."""

from __future__ import annotations

import pytest

from wherry.machinery.cel.values import EvaluationError

STRINGS = [
    ("'hello'.charAt(1)", "e"),
    ("'hello'.charAt(5)", ""),
    ("'hello mellow'.indexOf('ello', 2)", 7),
    ("'hello mellow'.indexOf('jello')", -1),
    ("'hello mellow'.lastIndexOf('ello')", 7),
    ("'hello mellow'.lastIndexOf('ello', 6)", 1),
    ("'TacoCat'.lowerAscii()", "tacocat"),
    ("'TacoCÆt'.upperAscii()", "TACOCÆT"),
    ("'hello hello'.replace('he', 'we')", "wello wello"),
    ("'hello hello'.replace('he', 'we', 1)", "wello hello"),
    ("'ab'.replace('', '_')", "_a_b_"),
    ("'hello hello'.split(' ')", ["hello", "hello"]),
    ("'a,b,c'.split(',', 2)", ["a", "b,c"]),
    ("'abc'.split('')", ["a", "b", "c"]),
    ("'a'.split(',', 0)", []),
    ("'tacocat'.substring(4)", "cat"),
    ("'tacocat'.substring(0, 4)", "taco"),
    ("'  \\ttrim\\n '.trim()", "trim"),
    ("['a', 'b'].join('-')", "a-b"),
    ("[].join()", ""),
    ("strings.quote('a\"b\\n')", '"a\\"b\\n"'),
    ("'%s %d%% %.1f'.format([dyn('a'), 7, 1.25])", "a 7% 1.2"),
    ("'%x %X %o %b'.format([255, 255, 8, 5])", "ff FF 10 101"),
    ("'%s'.format([[1, 2]])", "[1, 2]"),
    ("'%s'.format([{'b': 1, 'a': true ? 2 : 3}])", "{a: 2, b: 1}"),
    ("'%s %s'.format([dyn(null), duration('90s')])", "null 90s"),
    ("'%e'.format([1052.032911])", "1.052033e+03"),
    ("'h'.size() + 'abc'.size()", 4),
    ("'abc'.matches('^a.*c$') && 'abc'.matches('b') && !'abc'.matches('^b')", True),
]
LISTS = [
    ("[1, 2, 3].isSorted() && !['b', 'a'].isSorted() && [].isSorted()", True),
    ("[1.5, 2.5].sum()", 4.0),
    ("[duration('1m'), duration('1s')].sum() == duration('61s')", True),
    ("[].sum()", 0),
    ("[3, 1, 2].min() + [3, 1, 2].max()", 4),
    ("['a', 'b', 'b'].indexOf('b') * 10 + ['a', 'b', 'b'].lastIndexOf('b')", 12),
    ("[1].indexOf(5)", -1),
    ("sets.contains([1, 2, 3], [2, 3]) && !sets.contains([1], [2])", True),
    ("sets.equivalent([1, 1, 2], [2, 1])", True),
    ("sets.intersects([1, 2], [2, 9]) && !sets.intersects([1], [])", True),
    ("'abc 123'.find('[0-9]+')", "123"),
    ("'abc'.find('x')", ""),
    ("'123 abc 456'.findAll('[0-9]+')", ["123", "456"]),
    ("'123 abc 456'.findAll('[0-9]+', 1)", ["123"]),
    ("'aab'.find('a+?')", "a"),
    ("'foobar'.find('foo|foobar')", "foo"),
]
TIMES = [
    ("timestamp('2009-02-13T23:31:30Z').getFullYear()", 2009),
    ("timestamp('2009-02-13T23:31:30Z').getMonth()", 1),
    ("timestamp('2009-02-13T23:31:30Z').getDayOfYear()", 43),
    ("timestamp('2009-02-13T23:31:30Z').getDayOfWeek()", 5),
    ("timestamp('2009-02-13T23:31:30Z').getDate() - timestamp('2009-02-13T23:31:30Z').getDayOfMonth()", 1),
    ("timestamp('2009-02-13T23:31:30Z').getHours('-08:00')", 15),
    ("timestamp('2009-07-13T23:31:30Z').getHours('Europe/Berlin')", 1),
    ("timestamp('2009-02-13T23:31:30.123Z').getMilliseconds()", 123),
    ("string(timestamp('2009-02-13T23:31:30.120+02:00'))", "2009-02-13T21:31:30.12Z"),
    ("int(timestamp('1970-01-02T00:00:00Z'))", 86400),
    ("timestamp(60) - timestamp(0) == duration('1m')", True),
    ("timestamp(0) + duration('24h') > timestamp(5)", True),
    ("duration('1h30m').getMinutes()", 90),
    ("duration('-1.5s').getMilliseconds()", -1500),
    ("string(duration('1h1.5s'))", "3601.5s"),
]
CONVERSIONS = [
    ("int('-5') + int(2.9) + int(3u)", 0),
    ("uint('7') == 7u && uint(7) == 7u", True),
    ("double('1.5') + double(1)", 2.5),
    ("string(1.0) + string(1e30) + string(true) + string(b'a')", "11e+30truea"),
    (
        "string(1000000.0) + ' ' + string(123456.0) + ' ' + string(-0.00001) + ' ' + string(0.25)",
        "1e+06 123456 -1e-05 0.25",
    ),
    ("'%s'.format([1000000.0])", "1000000"),
    ("bool('true') && !bool('f')", True),
    ("bytes('é').size()", 2),
    ("string(2u) + string(-3)", "2-3"),
]
KUBERNETES = [
    ("quantity('1Gi').isGreaterThan(quantity('1000Mi'))", True),
    ("quantity('50k').add(20).sub(quantity('20')).compareTo(quantity('50k'))", 0),
    ("quantity('1.5').isInteger()", False),
    ("quantity('2k').asInteger() + quantity('-5').sign()", 1999),
    ("quantity('500m').asApproximateFloat()", 0.5),
    ("isQuantity('1.3Gi') && !isQuantity('10Mo')", True),
    ("quantity('1000m') == quantity('1')", True),
    ("url('https://user:pw@[::1]:80/a b?k=1&k=2&l=%20#f').getHost()", "[::1]:80"),
    ("url('https://[::1]:80/').getHostname() + url('https://[::1]:80/').getPort()", "::180"),
    ("url('https://e.com/with space').getEscapedPath()", "/with%20space"),
    ("url('https://e.com/p?k1=a&k2=b&k2=c').getQuery()", {"k1": ["a"], "k2": ["b", "c"]}),
    ("isURL('/path') && isURL('https://e.com') && !isURL('e.com') && !isURL('../p')", True),
    ("ip('127.0.0.1').isLoopback() && ip('fe80::1').isLinkLocalUnicast() && ip('8.8.8.8').isGlobalUnicast()", True),
    ("ip('::1').family() + ip('1.2.3.4').family()", 10),
    ("isIP('1.2.3.4') && !isIP('1.2.3.04') && !isIP('::ffff:1.2.3.4') && !isIP('fe80::1%eth0')", True),
    ("ip.isCanonical('2001:db8::1') && !ip.isCanonical('2001:DB8::1')", True),
    ("cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8')", True),
    ("string(cidr('10.1.2.3/8').ip()) + '/' + string(cidr('10.0.0.0/8').prefixLength())", "10.1.2.3/8"),
    ("cidr('192.168.0.0/24').containsIP('192.168.0.7') && !cidr('192.168.0.0/24').containsIP(ip('192.168.1.1'))", True),
    ("cidr('10.0.0.0/8').containsCIDR(cidr('10.1.0.0/16')) && !cidr('10.1.0.0/16').containsCIDR('10.0.0.0/8')", True),
    ("isCIDR('10.0.0.0/8') && !isCIDR('10.0.0.0/33') && !isCIDR('10.0.0.0')", True),
    ("semver('1.2.3-alpha.2').isLessThan(semver('1.2.3-alpha.10')) && semver('1.2.3').isGreaterThan(semver('1.2.3-rc'))", True),
    ("semver('v1.0', true).major() + semver('01.02.03', true).patch()", 4),
    ("isSemver('1.0.0+b1') && !isSemver('v1.0.0') && !isSemver('1.0') && isSemver('v1.0', true)", True),
    ("semver('1.2.3') == semver('1.2.3+build')", True),
    ("format.dns1123Label().validate('my-label').hasValue()", False),
    ("format.dns1123Label().validate('My').value().size()", 1),
    ("format.named('uuid').value().validate('nope').value()", ["does not match the UUID format"]),
    ("format.named('nope').hasValue()", False),
    ("format.dns1123LabelPrefix().validate('pre-').hasValue()", False),
    ("format.date().validate('2021-02-30').value()", ["invalid date"]),
    ("type(quantity('1')) == kubernetes.Quantity && type(ip('::1')) == net.IP", True),
]  # fmt: skip
FAILURES = [
    ("'a'.charAt(7)", "index out of range: 7"),
    ("'abc'.substring(2, 1)", "invalid substring range. start: 2, end: 1"),
    (
        "'%d'.format([dyn('a')])",
        "error during formatting: decimal clause can only be used on integers, was given string",
    ),
    ("'%s %s'.format(['a'])", "index 1 out of range"),
    ("'%q'.format(['a'])", 'could not parse formatting clause: unrecognized formatting clause "q"'),
    ("[].min()", "min called on empty list"),
    ("int('x')", 'strconv.ParseInt: parsing "x": invalid syntax'),
    ("uint(-1)", "unsigned integer overflow"),
    ("int(1e30)", "integer overflow"),
    ("string(b'\\xff')", "invalid UTF-8 in bytes, cannot convert to string"),
    ("duration(self.name)", 'time: invalid duration "web"'),
    ("quantity('1.5').asInteger()", "cannot convert value to integer"),
    ("semver('1.2')", "No Major.Minor.Patch elements found"),
    ("optional.none().value()", "optional.none() dereference"),
    ("timestamp('9999-12-31T23:59:59Z') + duration('1h')", "timestamp overflow"),
]


@pytest.mark.parametrize(("text", "value"), [*STRINGS, *LISTS, *TIMES, *CONVERSIONS, *KUBERNETES])
def test_functions_give(evaluate, text, value):
    found = evaluate(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(("text", "message"), FAILURES)
def test_functions_fail_with(evaluate, text, message):
    with pytest.raises(EvaluationError) as caught:
        evaluate(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "text",
    [
        "'a'.replace('a', '%s')" .replace("%s", "a" * 90) + ".replace('a', 'aaaaaaaaaaaaaaaaaaaa')" * 6,
        "[[1, 2, 3, 4, 5, 6, 7, 8]]" + ".map(l, l + l)" * 30 + "[0].size() == 1",
        "[['aaaaaaaaaa', 'aaaaaaaaaa']].map(l, l + l)" + ".map(l, l + l)" * 17 + "[0].join('aaaaaaaaaaaaaaaaaaaa').size() == 1",
    ],
)  # fmt: skip
def test_what_would_be_too_large_is_not_made(evaluate, text):
    with pytest.raises(EvaluationError, match=r"too large|cost limit"):
        evaluate(text)
