/// Writes compact JSON behind the bytes that are there already.
///
/// Commas and colons come by themselves; that keys and values alternate and containers are closed is the caller's duty.
public struct JSONWriter: Sendable {
    /// What has been written so far.
    public private(set) var bytes: [UInt8]
    private var needsComma = false

    /// - Parameter bytes: Is appended to; its capacity is used.
    public init(appendingTo bytes: consuming [UInt8] = []) {
        self.bytes = bytes
    }

    /// Writes behind what is in `bytes` without copying it.
    public static func append<E>(
        to bytes: inout [UInt8], _ body: (inout JSONWriter) throws(E) -> Void
    ) throws(E) {
        var writer = JSONWriter()
        swap(&writer.bytes, &bytes)
        defer { swap(&writer.bytes, &bytes) }
        try body(&writer)
    }

    /// Hands over what has been written so far and goes on behind it: for documents that leave in pieces.
    public mutating func takeBytes() -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &bytes)
        return taken
    }

    // MARK: - Containers

    public mutating func beginObject() {
        separate()
        bytes.append(UInt8(ascii: "{"))
        needsComma = false
    }

    public mutating func endObject() {
        bytes.append(UInt8(ascii: "}"))
        needsComma = true
    }

    public mutating func beginArray() {
        separate()
        bytes.append(UInt8(ascii: "["))
        needsComma = false
    }

    public mutating func endArray() {
        bytes.append(UInt8(ascii: "]"))
        needsComma = true
    }

    /// An object whose members `body` writes.
    public mutating func object<E>(_ body: (inout JSONWriter) throws(E) -> Void) throws(E) {
        beginObject()
        try body(&self)
        endObject()
    }

    /// An array whose elements `body` writes.
    public mutating func array<E>(_ body: (inout JSONWriter) throws(E) -> Void) throws(E) {
        beginArray()
        try body(&self)
        endArray()
    }

    // MARK: - Keys

    /// A key that is known to need no escapes.
    public mutating func key(_ key: StaticString) {
        let text = UnsafeBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount)
        JSONText.appendUnescaped(text, comma: needsComma, colon: true, to: &bytes)
        needsComma = false
    }

    @_disfavoredOverload
    public mutating func key(_ key: String) {
        var key = key
        key.withUTF8 { self.key(utf8: $0) }
    }

    /// A key as UTF-8 bytes.
    public mutating func key(utf8 key: UnsafeBufferPointer<UInt8>) {
        JSONText.append(key, comma: needsComma, colon: true, to: &bytes)
        needsComma = false
    }

    // MARK: - Values

    public mutating func value(_ value: String) {
        var value = value
        value.withUTF8 { self.value(utf8: $0) }
    }

    /// A string as UTF-8 bytes.
    public mutating func value(utf8 value: UnsafeBufferPointer<UInt8>) {
        JSONText.append(value, comma: needsComma, colon: false, to: &bytes)
        needsComma = true
    }

    public mutating func value(_ value: Int64) {
        separate()
        JSONNumber.append(value, to: &bytes)
        needsComma = true
    }

    public mutating func value(_ value: Int) {
        self.value(Int64(value))
    }

    /// `null` for what JSON cannot write: infinities and not-a-number.
    public mutating func value(_ value: Double, as form: JSONNumber.DoubleForm = .scientific) {
        guard value.isFinite else { return null() }
        separate()
        JSONNumber.append(value, as: form, to: &bytes)
        needsComma = true
    }

    public mutating func value(_ value: Bool) {
        separate()
        bytes.append(utf8: value ? "true" : "false")
        needsComma = true
    }

    public mutating func null() {
        separate()
        bytes.append(utf8: "null")
        needsComma = true
    }

    /// A value that is JSON text already.
    public mutating func raw(_ text: some Sequence<UInt8>) {
        separate()
        bytes.append(contentsOf: text)
        needsComma = true
    }

    public mutating func raw(_ text: String) {
        separate()
        bytes.append(contentsOf: text.utf8)
        needsComma = true
    }

    public mutating func value(_ value: JSONValue) {
        switch value {
        case .null: null()
        case .bool(let flag): self.value(flag)
        case .integer(let number): self.value(number)
        case .double(let number): self.value(number)
        case .number(let text): raw(text)
        case .string(let text): self.value(text)
        case .array(let elements):
            beginArray()
            for element in elements { self.value(element) }
            endArray()
        case .object(let object):
            self.value(object)
        }
    }

    public mutating func value(_ object: JSONObject) {
        beginObject()
        for (key, value) in object {
            self.key(key)
            self.value(value)
        }
        endObject()
    }

    // MARK: - Members

    /// A key and its value; `nil` is written as `null`.
    public mutating func member(_ key: StaticString, _ value: String?) {
        self.key(key)
        if let value { self.value(value) } else { null() }
    }

    public mutating func member(_ key: StaticString, _ value: Int64?) {
        self.key(key)
        if let value { self.value(value) } else { null() }
    }

    public mutating func member(_ key: StaticString, _ value: Int?) {
        self.member(key, value.map { Int64($0) })
    }

    public mutating func member(_ key: StaticString, _ value: Double?) {
        self.key(key)
        if let value { self.value(value) } else { null() }
    }

    public mutating func member(_ key: StaticString, _ value: Bool?) {
        self.key(key)
        if let value { self.value(value) } else { null() }
    }

    public mutating func member(_ key: StaticString, _ value: JSONValue?) {
        self.key(key)
        self.value(value ?? .null)
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
    }
}
