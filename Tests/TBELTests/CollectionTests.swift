import Testing

/// `rule-engine.md` 6.4: what newer scripts use of maps, lists and sets.
struct CollectionTests {
    private static let sample = "var m = {b: 2, a: 3, c: 1};"

    @Test(arguments: [
        Row("m.toSortedByKey()", "{\"a\":3,\"b\":2,\"c\":1}"),
        Row("m.toSortedByKey(false)", "{\"c\":1,\"b\":2,\"a\":3}"),
        Row("m.toSortedByValue()", "{\"c\":1,\"b\":2,\"a\":3}"), Row("m.toSorted()", "{\"a\":3,\"b\":2,\"c\":1}"),
        Row("m.toSortedByKey(); m", "{\"b\":2,\"a\":3,\"c\":1}"), Row("m.reverse(); m", "{\"c\":1,\"a\":3,\"b\":2}"),
        Row("m.toReversed()", "{\"c\":1,\"a\":3,\"b\":2}"),
        Row("m.invert(); m", "{\"2\":\"b\",\"3\":\"a\",\"1\":\"c\"}"),
        Row("m.toInverted()", "{\"2\":\"b\",\"3\":\"a\",\"1\":\"c\"}"), Row("m.slice(1)", "{\"a\":3,\"c\":1}"),
        Row("m.slice(0, 1)", "{\"b\":2}"), Row("m.slice(-1)", "{\"c\":1}"),
        Row("var n = m.clone(); n.d = 4; m.size()", "3"),
        Row("m.toUnmodifiable().d = 1", "! The map cannot be changed"),
        Row("m.putIfAbsent(\"d\", null); m.size()", "3"),
        Row("m.put(\"b\", null); m", "{\"a\":3,\"c\":1}"),
        Row("m.sortByValue(); m.b = 5; m", "{\"c\":1,\"b\":5,\"a\":3}"),
        Row(
            "for (var i = 0; i < 20; i++) { m[\"k\" + i] = i; } for (var i = 0; i < 19; i++) { m.remove(\"k\" + i); } m",
            "{\"b\":2,\"a\":3,\"c\":1,\"k19\":19}"),
        Row("m.entrySet().clone().size()", "3"), Row("m.putAll(m); m.size()", "3"), Row("m.memorySize() > 0", "true"),
    ])
    func maps(_ row: Row) { #expect(run(CollectionTests.sample + row.script) == row.result) }

    @Test(arguments: [
        Row("[1, 2].toUnmodifiable().add(3)", "! The list cannot be changed"), Row("[3, 1].toSorted(false)", "[3,1]"),
        Row("[1, 2, 3].toReversed()", "[3,2,1]"), Row("[1, 2, 3, 4].fill(0, 1, 3)", "[1,0,0,4]"),
        Row("[1, 2, 3].toSpliced(1, 0, \"Feb\")", "[1,\"Feb\",2,3]"),
        Row("var a = new int[2]; a.add(1)", "! An array cannot change its size"),
        Row("var a = new int[1]; a[0] = 2.9; a", "[2]"),
        Row("var a = new int[1]; a[0] = \"x\"", "! String cannot be put into int[]"),
        Row("[1, 2].containsAll([2])", "true"),
        Row("[5, 10, 9].toSorted()", "[5,9,10]"), Row("[\"5\", \"10\"].toSorted()", "[\"10\",\"5\"]"),
        Row("[1, 2].subList(1, 2)", "[2]"),
    ])
    func lists(_ row: Row) { #expect(run(row.script) == row.result) }

    @Test(arguments: [
        Row("var s = newSet(); s.add(1); s.add(1)", "false"),
        Row("var s = toSet([1, 2]); s.addAll([2, 3]); s", "[1,2,3]"),
        Row("toSet([3, 1, 2]).toSorted()", "[1,2,3]"), Row("var s = toSet([3, 1]); s.sort(false); s", "[3,1]"),
        Row("toSet([1]).contains(1)", "true"),
        Row("toSet([1]).contains(1.0)", "false"), Row("var s = toSet([\"a\", 4]); s.remove(4); s", "[\"a\"]"),
        Row("toSet([1, 2]).toArray()[1]", "2"), Row("toSet([1, 2]).size", "2"),
        Row("var s = toSet([1]); s.clear(); s.isEmpty()", "true"),
        Row("toSet([1]).toUnmodifiable().add(2)", "! The map cannot be changed"),
        Row("toSet([[1], [1], {a: 1}, {a: 1}]).size()", "2"), Row("toSet([1, 2, 3]).retainAll([2])", "true"),
        Row("toSet([2, 1]) == toSet([1, 2])", "true"),
        Row("var s = toSet([1]); s.clone().add(2); s.size()", "1"), Row("toSet([1, 2]).join(\"-\")", "\"1-2\""),
    ])
    func sets(_ row: Row) { #expect(run(row.script) == row.result) }
}
