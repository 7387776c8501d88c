/// What variables of a script hold.
///
/// Integers of 32 and 64 bits, and numbers of single and double precision, are kept apart as Java does; a character is a
/// text of one character, a byte is an integer.
enum Value {
    /// A variable that was not set yet.
    case undefined
    case null
    case bool(Bool)
    case int(Int32)
    case long(Int64)
    case float(Float)
    case double(Double)
    case text(String)
    case list(ListObject)
    case map(MapObject)
    case set(SetObject)
    case entry(EntryObject)
    case date(DateObject)
    case random(RandomObject)
    /// `Math`, `Integer` and so on, as what stands before a dot.
    case type(TypeName)
    /// The literal `empty`.
    case empty

    /// An integer as small as possible.
    @inline(__always)
    init(integer: Int64) {
        if let small = Int32(exactly: integer) { self = .int(small) } else { self = .long(integer) }
    }

    @inline(__always)
    init(_ count: Int) { self.init(integer: Int64(count)) }

    var isNull: Bool {
        switch self {
        case .null, .undefined: true
        default: false
        }
    }

    var container: Container? {
        switch self {
        case .list(let list): list
        case .map(let map): map
        case .set(let set): set
        default: nil
        }
    }

    /// Whether it can, at last, hold itself.
    var isContainer: Bool {
        switch self {
        case .list, .map, .set, .entry: true
        default: false
        }
    }

    /// Bytes that it is charged for as a part of something.
    @inline(__always)
    var size: Int {
        switch self {
        case .text(let text): 16 + (text.utf8.count > 15 ? 32 + text.utf8.count : 0)
        case .entry, .date, .random: 64
        default: 16
        }
    }

    /// Simple name of its class in Java, as error messages have it.
    var typeName: String {
        switch self {
        case .undefined, .null: "null"
        case .bool: "Boolean"
        case .int: "Integer"
        case .long: "Long"
        case .float: "Float"
        case .double: "Double"
        case .text: "String"
        case .list(let list): list.element?.arrayName ?? "ExecutionArrayList"
        case .map: "ExecutionHashMap"
        case .set: "ExecutionLinkedHashSet"
        case .entry: "ExecutionEntry"
        case .date: "TbDate"
        case .random: "Random"
        case .type: "Class"
        case .empty: "BlankLiteral"
        }
    }
}

/// The classes that scripts may name.
enum TypeName: String {
    case math = "Math"
    case string = "String"
    case integer = "Integer"
    case long = "Long"
    case double = "Double"
    case float = "Float"
    case boolean = "Boolean"
    case byte = "Byte"
    case short = "Short"
    case character = "Character"
    case json = "JSON"
    case date = "Date"
    case random = "Random"
    // Known to `instanceof` and `new` alone.
    case object = "Object"
    case number = "Number"
    case map = "Map"
    case list = "List"
    case set = "Set"
    case collection = "Collection"

    /// From a name as scripts write it, be it with a package in front of classes that Java keeps in one.
    init?(qualified name: String) {
        switch name {
        case "java.util.Map", "java.util.HashMap", "java.util.LinkedHashMap": self = .map
        case "java.util.List", "java.util.ArrayList": self = .list
        case "java.util.Set", "java.util.HashSet", "java.util.LinkedHashSet": self = .set
        case "java.util.Collection": self = .collection
        case "java.util.Date": self = .date
        case "java.util.Random": self = .random
        default:
            let prefix = "java.lang."
            let short = name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name
            guard let type = TypeName(rawValue: short) else { return nil }
            self = type
        }
    }

    /// Whether `value` is of this class.
    func includes(_ value: Value) -> Bool {
        switch (self, value) {
        case (_, .null), (_, .undefined): false
        case (.object, _): true
        case (.string, .text), (.integer, .int), (.long, .long), (.double, .double), (.float, .float): true
        case (.boolean, .bool), (.date, .date), (.random, .random): true
        case (.number, .int), (.number, .long), (.number, .double), (.number, .float): true
        case (.map, .map), (.set, .set), (.collection, .set): true
        case (.list, .list(let list)), (.collection, .list(let list)): list.element == nil
        default: false
        }
    }
}
