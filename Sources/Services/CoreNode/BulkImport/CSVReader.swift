/// Reads comma-separated values (RFC 4180): fields may stand in quotation marks, and then hold separators, line ends and
/// doubled quotation marks. The separator is any one character. Blank around fields without quotation marks is left out,
/// and lines with nothing on them.
struct CSVReader {
    struct Line: Equatable {
        /// From 1.
        var number: Int
        var fields: [String]
    }

    enum Failure: Error, Equatable {
        /// A quotation mark was opened on that line and not closed.
        case openQuotation(line: Int)
    }

    static func lines(of text: String, separator: Character) throws(Failure) -> [Line] {
        var reader = CSVReader(separator: separator)
        var characters = text.makeIterator()
        var next = characters.next()
        while let character = next {
            next = characters.next()
            if reader.isQuoted {
                if character != "\"" {
                    if character.isNewline { reader.number += 1 }
                    reader.field.append(character)
                } else if next == "\"" {
                    reader.field.append(character)
                    next = characters.next()
                } else {
                    reader.isQuoted = false
                }
                continue
            }
            switch character {
            case separator: reader.endField()
            case "\"" where !reader.wasQuoted && reader.field.allSatisfy(\.isWhitespace):
                reader.field = ""
                reader.isQuoted = true
                reader.wasQuoted = true
                reader.quotationLine = reader.number
            case _ where character.isNewline: reader.endLine()
            default: if !reader.wasQuoted || !character.isWhitespace { reader.field.append(character) }
            }
        }
        if reader.isQuoted { throw .openQuotation(line: reader.quotationLine) }
        reader.endLine()
        return reader.lines
    }

    private let separator: Character
    private var lines: [Line] = []
    private var fields: [String] = []
    private var field = ""
    private var isQuoted = false
    private var wasQuoted = false
    private var quotationLine = 1
    private var number = 1
    private var lineNumber = 1

    private init(separator: Character) { self.separator = separator }

    private mutating func endField() {
        fields.append(wasQuoted ? field : Self.trimmed(field))
        field = ""
        wasQuoted = false
    }

    private mutating func endLine() {
        let isBlank = fields.isEmpty && !wasQuoted && field.allSatisfy(\.isWhitespace)
        endField()
        if !isBlank { lines.append(Line(number: lineNumber, fields: fields)) }
        fields = []
        number += 1
        lineNumber = number
    }

    private static func trimmed(_ text: String) -> String {
        let start = text.drop(while: \.isWhitespace)
        guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(start[...last])
    }
}
