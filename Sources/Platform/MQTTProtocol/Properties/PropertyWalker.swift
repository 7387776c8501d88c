/// One property where it lies in the received bytes.
struct PropertyField {
    var identifier: PropertyIdentifier
    /// The value of a number or flag.
    var number: UInt32 = 0
    /// The bytes of a text or of binary data; the name of a user property.
    var range: Range<Int> = 0..<0
    /// The value of a user property.
    var valueRange: Range<Int> = 0..<0
}

/// Goes through the properties of a packet and checks each against MQTT 5.0 2.2.2: known, allowed here, not repeated,
/// of the right form, in its range. Allocates nothing.
struct PropertyWalker {
    private var cursor: FieldCursor
    private let owner: MQTTPropertyOwner
    private(set) var seen = PropertySet()

    init(_ range: Range<Int>, in bytes: Span<UInt8>, of owner: MQTTPropertyOwner) {
        cursor = FieldCursor(range, in: bytes)
        self.owner = owner
    }

    /// Checks all that is left.
    mutating func checkAll(_ bytes: Span<UInt8>) throws(MQTTError) {
        while try next(bytes) != nil {}
    }

    /// The next property, or nil behind the last one.
    mutating func next(_ bytes: Span<UInt8>) throws(MQTTError) -> PropertyField? {
        guard !cursor.isAtEnd else {
            try checkTogether()
            return nil
        }
        guard let identifier = PropertyIdentifier(rawValue: try cursor.byte(bytes)) else { throw .unknownProperty }
        guard owner.allowed.contains(identifier) else { throw .propertyNotAllowed }
        guard !seen.contains(identifier) || mayRepeat(identifier) else { throw .duplicateProperty }
        seen.insert(identifier)
        return try value(of: identifier, bytes)
    }

    private func mayRepeat(_ identifier: PropertyIdentifier) -> Bool {
        identifier == .userProperty || (identifier == .subscriptionIdentifier && owner == .publish)
    }

    private func checkTogether() throws(MQTTError) {
        if seen.contains(.authenticationData), !seen.contains(.authenticationMethod) {
            throw .missingAuthenticationMethod
        }
    }

    private mutating func value(
        of identifier: PropertyIdentifier, _ bytes: Span<UInt8>
    ) throws(MQTTError) -> PropertyField {
        var field = PropertyField(identifier: identifier)
        switch identifier.kind {
        case .flag:
            field.number = UInt32(try cursor.byte(bytes))
            guard field.number <= 1 else { throw .invalidPropertyValue }
        case .twoByteInteger: field.number = UInt32(try cursor.twoByteInteger(bytes))
        case .fourByteInteger: field.number = try cursor.fourByteInteger(bytes)
        case .variableByteInteger: field.number = try cursor.variableByteInteger(bytes)
        case .text: field.range = try cursor.textRange(bytes)
        case .topicName:
            field.range = try cursor.binaryRange(bytes)
            try TextValidation.checkTopicName(bytes, in: field.range)
        case .binary: field.range = try cursor.binaryRange(bytes)
        case .textPair:
            field.range = try cursor.textRange(bytes)
            field.valueRange = try cursor.textRange(bytes)
        }
        if field.number == 0 {
            guard !identifier.forbidsZero else { throw .invalidPropertyValue }
            guard identifier != .topicAlias else { throw .topicAliasZero }
        }
        return field
    }
}
