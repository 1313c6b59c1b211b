from ingest.address import TopicCache


def test_a_topic_is_looked_up_once() -> None:
    asked: list[str] = []
    cache = TopicCache(lambda topic: asked.append(topic) or len(asked))
    assert [cache["a"], cache["b"], cache["a"]] == [1, 2, 1]
    assert asked == ["a", "b"]


def test_never_keeps_more_than_its_limit() -> None:
    cache = TopicCache(str.upper, limit=10)
    assert all(cache[f"t{i}"] == f"T{i}" and len(cache) <= 10 for i in range(100))


def test_never_keeps_long_topics() -> None:
    cache = TopicCache(str.upper)
    assert cache["a" * 513] == "A" * 513
    assert len(cache) == 0
