from wherry.base.histogram import Histogram, exponential


def test_values_are_counted_at_their_bound_and_beyond() -> None:
    histogram = Histogram(exponential(0.5, 2.0, 3))
    for value in (0.1, 0.5, 0.6, 2.0, 9.0):
        histogram.observe(value)
    assert list(histogram.lines("took", 'verb="GET"')) == [
        'took_bucket{verb="GET",le="0.5"} 2',
        'took_bucket{verb="GET",le="1"} 3',
        'took_bucket{verb="GET",le="2"} 4',
        'took_bucket{verb="GET",le="+Inf"} 5',
        'took_sum{verb="GET"} 12.2',
        'took_count{verb="GET"} 5',
    ]


def test_without_labels() -> None:
    histogram = Histogram((1.0,))
    histogram.observe(3)
    assert list(histogram.lines("took")) == [
        'took_bucket{le="1"} 0',
        'took_bucket{le="+Inf"} 1',
        "took_sum 3",
        "took_count 1",
    ]
