public import Bytes

/// An AUTH (MQTT 5.0 3.15), a step of an extended authentication. MQTT 5.0 only.
public struct MQTTAuth: Equatable, Sendable {
    /// Success, continue authentication or re-authenticate.
    public var reasonCode: MQTTReasonCode
    /// With an authentication method, unless the reason is success.
    public var properties: MQTTProperties

    public init(reasonCode: MQTTReasonCode = .success, properties: MQTTProperties = MQTTProperties()) {
        self.reasonCode = reasonCode
        self.properties = properties
    }

    /// Decodes the AUTH that `frame` found in `bytes`.
    public static func decode(_ frame: MQTTFrame, in bytes: Span<UInt8>) throws(MQTTError) -> MQTTAuth {
        precondition(frame.type == .auth, "\(frame.type) is no AUTH")
        var cursor = FieldCursor(frame, in: bytes)
        var auth = MQTTAuth()
        // MQTT 5.0 3.15.2.1: an empty packet stands for success without properties.
        if !cursor.isAtEnd {
            auth.reasonCode = try cursor.reasonCode(bytes, of: .auth)
            auth.properties = try cursor.properties(bytes, of: .auth)
        }
        try cursor.finish()
        guard auth.isComplete else { throw .missingAuthenticationMethod }
        return auth
    }

    private var isComplete: Bool { reasonCode == .success || properties.authenticationMethod != nil }

    /// Appends the packet in its shortest form.
    public func encode(into buffer: inout ByteBuffer) {
        precondition(reasonCode.isAllowed(in: .auth) && isComplete, "\(reasonCode) in AUTH")
        buffer.appendPacket(.auth) { body in
            guard self != MQTTAuth() else { return }
            body.append(reasonCode.rawValue)
            properties.encode(into: &body, of: .auth)
        }
    }
}
