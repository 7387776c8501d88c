import Testing

@testable import YAML

@Suite struct YAMLDocumentTests {
    private func scalars(_ text: String) throws(YAMLError) -> [YAMLScalar] {
        try YAMLDocument.scalars(in: Array(text.utf8))
    }

    @Test func valuesComeWithTheirPathAndLine() throws {
        let found = try scalars("a:\n  b: 1\n  c:\n    - x: one\n      y: 'two'\n    - z\nd: \"\"\n")
        #expect(
            found == [
                YAMLScalar(path: "a.b", value: "1", line: 2), YAMLScalar(path: "a.c[0].x", value: "one", line: 4),
                YAMLScalar(path: "a.c[0].y", value: "two", line: 5), YAMLScalar(path: "a.c[1]", value: "z", line: 6),
                YAMLScalar(path: "d", value: "", line: 7),
            ])
    }

    @Test func anEmptyDocumentHasNoValues() throws {
        #expect(try scalars("").isEmpty)
        #expect(try scalars("# nothing\n").isEmpty)
    }

    @Test(arguments: [
        ("a: 1\nb: [\n", 3), ("a: 1\na: 2\n", 2), ("a: &x 1\nb: *x\n", 2), ("a: 1\n---\nb: 2\n", 2),
        ("? [1, 2]\n: 3\n", 1),
        ("just text", 1), ("a: \"\\q\"", 1), (String(repeating: "[", count: 100), 1),
    ])
    func whatCannotBeUsedIsRefusedWithItsLine(_ text: String, _ line: Int) {
        let error = #expect(throws: YAMLError.self) { try scalars(text) }
        #expect(error?.line == line, "\(text): \(String(describing: error))")
    }

    @Test func bytesThatAreNoTextAreRefused() {
        #expect(throws: YAMLError.self) { try YAMLDocument.scalars(in: [0x61, 0x3A, 0x20, 0xFF, 0xFE]) }
    }
}
