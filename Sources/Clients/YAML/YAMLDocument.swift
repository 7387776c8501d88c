import CYAML

/// One value of a YAML document, with the way to it.
public struct YAMLScalar: Sendable, Equatable {
    /// Keys joined by dots, elements of sequences by index: `queue.queues[0].name`.
    public var path: String
    public var value: String
    /// Of its first character, from 1.
    public var line: Int

    public init(path: String, value: String, line: Int) {
        self.path = path
        self.value = value
        self.line = line
    }
}

/// Why a text is no document that can be used.
public struct YAMLError: Error, Sendable, Equatable, CustomStringConvertible {
    /// From 1.
    public var line: Int
    public var message: String

    public var description: String { "line \(line): \(message)" }
}

/// Reads the values of one YAML document in their order. Mappings and sequences nest up to ``maximumDepth``; aliases, second
/// documents, and keys that are no texts or stand twice are refused.
public enum YAMLDocument {
    public static let maximumDepth = 32

    public static func scalars(in text: [UInt8]) throws(YAMLError) -> [YAMLScalar] {
        let parser = EventParser(text)
        var builder = ScalarBuilder()
        while true {
            let event = try parser.next()
            if case .end = event.kind { return builder.scalars }
            try builder.take(event)
        }
    }
}

/// One event of libyaml, with its text copied.
struct YAMLEvent {
    enum Kind {
        case document, scalar(String), mappingStart, sequenceStart, collectionEnd, alias, other, end
    }

    var kind: Kind
    var line: Int
}

/// Owns libyaml's parser. One thread.
private final class EventParser {
    private let text: UnsafeMutableBufferPointer<UInt8>
    private let parser: UnsafeMutablePointer<yaml_parser_t>

    init(_ bytes: [UInt8]) {
        text = .allocate(capacity: max(1, bytes.count))
        _ = text.initialize(from: bytes)
        parser = .allocate(capacity: 1)
        parser.initialize(to: yaml_parser_t())
        precondition(yaml_parser_initialize(parser) == 1, "no memory for a YAML parser")
        yaml_parser_set_input_string(parser, text.baseAddress, bytes.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
        text.deallocate()
    }

    func next() throws(YAMLError) -> YAMLEvent {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else {
            let problem = parser.pointee.problem.map { String(cString: $0) } ?? "not YAML"
            throw YAMLError(line: Int(parser.pointee.problem_mark.line) + 1, message: problem)
        }
        defer { yaml_event_delete(&event) }
        let kind: YAMLEvent.Kind =
            switch event.type {
            case YAML_DOCUMENT_START_EVENT: .document
            case YAML_SCALAR_EVENT:
                .scalar(
                    String(
                        decoding: UnsafeBufferPointer(start: event.data.scalar.value, count: event.data.scalar.length),
                        as: UTF8.self))
            case YAML_MAPPING_START_EVENT: .mappingStart
            case YAML_SEQUENCE_START_EVENT: .sequenceStart
            case YAML_MAPPING_END_EVENT, YAML_SEQUENCE_END_EVENT: .collectionEnd
            case YAML_ALIAS_EVENT: .alias
            case YAML_STREAM_END_EVENT: .end
            default: .other
            }
        return YAMLEvent(kind: kind, line: Int(event.start_mark.line) + 1)
    }
}

/// Follows the nesting and gathers the values.
private struct ScalarBuilder {
    private struct Level {
        var path: String
        var isMapping: Bool
        /// The key whose value comes next; `nil` where a key comes next.
        var key: String?
        var keys: Set<String> = []
        var index = 0
    }

    var scalars: [YAMLScalar] = []
    private var levels: [Level] = []
    private var documents = 0

    mutating func take(_ event: YAMLEvent) throws(YAMLError) {
        switch event.kind {
        case .document:
            documents += 1
            guard documents == 1 else { throw YAMLError(line: event.line, message: "a second document") }
        case .alias: throw YAMLError(line: event.line, message: "aliases are not supported")
        case .scalar(let text): try take(text, event.line)
        case .mappingStart, .sequenceStart:
            let isMapping = if case .mappingStart = event.kind { true } else { false }
            guard levels.count < YAMLDocument.maximumDepth else {
                throw YAMLError(line: event.line, message: "nested deeper than \(YAMLDocument.maximumDepth)")
            }
            if let top = levels.last, top.isMapping, top.key == nil {
                throw YAMLError(line: event.line, message: "a key is not a text")
            }
            levels.append(Level(path: advance(), isMapping: isMapping))
        case .collectionEnd: levels.removeLast()
        case .other, .end: break
        }
    }

    private mutating func take(_ text: String, _ line: Int) throws(YAMLError) {
        guard let top = levels.last else {
            // An empty document is one empty scalar.
            guard text.isEmpty else { throw YAMLError(line: line, message: "expected a mapping") }
            return
        }
        if top.isMapping, top.key == nil {
            guard levels[levels.count - 1].keys.insert(text).inserted else {
                throw YAMLError(line: line, message: "the key \(text) stands twice")
            }
            levels[levels.count - 1].key = text
        } else {
            scalars.append(YAMLScalar(path: advance(), value: text, line: line))
        }
    }

    /// The path of the value that comes now.
    private mutating func advance() -> String {
        guard let top = levels.last else { return "" }
        if top.isMapping {
            levels[levels.count - 1].key = nil
            return top.path.isEmpty ? top.key! : "\(top.path).\(top.key!)"
        }
        levels[levels.count - 1].index += 1
        return "\(top.path)[\(top.index)]"
    }
}
