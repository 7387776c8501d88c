import JSON
import Testing

@testable import CoreNode

@Suite struct BulkImportTests {
    private func lines(_ text: String, _ separator: Character = ",") throws -> [[String]] {
        try CSVReader.lines(of: text, separator: separator).map(\.fields)
    }

    @Test func fieldsAreSeparatedAndTrimmed() throws {
        #expect(try lines("a, b ,c\r\nd;e,,f\n") == [["a", "b", "c"], ["d;e", "", "f"]])
        #expect(try lines("a;b", ";") == [["a", "b"]])
    }

    @Test func quotedFieldsKeepSeparatorsLineEndsAndQuotationMarks() throws {
        #expect(
            try lines("\"a,b\",\" c \",\"d\"\"e\"\n\"two\nlines\",x") == [
                ["a,b", " c ", "d\"e"], ["two\nlines", "x"],
            ])
        #expect(try lines("in \"the\" middle") == [["in \"the\" middle"]])
    }

    @Test func emptyLinesAreLeftOutAndLinesKeepTheirNumbers() throws {
        let found = try CSVReader.lines(of: "a\n\n\"b\nc\"\nd", separator: ",")
        #expect(found.map(\.number) == [1, 3, 5])
        #expect(try lines("") == [])
        #expect(try lines("\"\"") == [[""]])
    }

    @Test func anOpenQuotationIsNamedByItsLine() {
        #expect(throws: CSVReader.Failure.openQuotation(line: 2)) { try lines("a\n\"b,c\nd") }
    }

    @Test(arguments: [
        ("12", JSONValue.integer(12)), ("-1.5", .double(-1.5)), ("TRUE", true), ("false", false), ("x", "x"),
        ("1e3", .double(1000)), ("0x10", "0x10"), ("infinity", "infinity"), ("1.2.3", "1.2.3"),
    ])
    func cellsAreTheValuesThatTheyLookLike(_ text: String, _ value: JSONValue) {
        #expect(BulkImportValues.typed(text) == value)
    }

    private func request(_ mapping: JSONValue, file: String = "") throws -> BulkImportRequest {
        try BulkImportRequest(
            RequestObject(["file": .string(file), "mapping": mapping]), allowed: BulkImportColumn.ofAssets)
    }

    @Test func rowsAreReadByTheirColumns() throws {
        let request = try request(
            [
                "columns": [["type": "NAME"], ["type": "SERVER_ATTRIBUTE", "key": "k"], ["type": "LABEL"]],
                "header": true, "update": true, "delimiter": ";",
            ], file: "Name;K\na;1\n")
        #expect(request.updates)
        #expect(request.rows.map(\.line) == [2])
        #expect(request.rows[0][.name] == "a")
        #expect(request.rows[0][.label] == "")
        #expect(request.rows[0].filled(.label) == nil)
    }

    @Test(
        arguments: [
            ["columns": [["type": "LABEL"]]], ["columns": [["type": "NAME"], ["type": "ACCESS_TOKEN"]]],
            ["columns": [["type": "NAME"], ["type": "TIMESERIES"]]],
            ["columns": [["type": "NAME"]], "delimiter": ";;"],
            ["columns": [["type": "nonsense"]]],
        ] as [JSONValue])
    func mappingsThatMakeNoSenseAreRefused(_ mapping: JSONValue) {
        #expect(throws: APIError.self) { try request(mapping) }
    }
}
