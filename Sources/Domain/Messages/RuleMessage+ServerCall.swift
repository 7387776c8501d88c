public import Model

extension RuleMessage {
    /// The message of a device's call to the platform (`rule-engine.md` 1.8, `device-api.md` 1.6): `data` is
    /// `{"method":"...","params":...}`, and the metadata says where the answer goes.
    public init(serverCall request: ToServerRPCRequest, of session: SessionInfo, id: UUID128, timestamp: Int64) {
        let device = session.device
        let params = request.params.isEmpty ? "null" : request.params
        self.init(
            id: id, timestamp: timestamp, type: .known(.toServerRPCRequest), originator: device.deviceID.entityID,
            tenantID: device.tenantID, customerID: device.customerID.isNull ? nil : device.customerID,
            metadata: MessageMetadata([
                "deviceName": device.name, "deviceType": device.type, "requestId": String(request.requestID),
                "serviceId": session.nodeID, "sessionId": session.sessionID.text,
            ]),
            payload: .text(#"{"method":\#(Self.quoted(request.method)),"params":\#(params)}"#),
            ruleChainID: session.profile.ruleChainID, queueName: session.profile.queueName)
    }

    /// The message of shared attributes that a gateway reports (`device-api.md` 1.6, 10.2).
    ///
    /// - Parameter json: An object.
    public init(sharedAttributes json: String, of session: SessionInfo, id: UUID128, timestamp: Int64) {
        let device = session.device
        self.init(
            id: id, timestamp: timestamp, type: .known(.postAttributesRequest), originator: device.deviceID.entityID,
            tenantID: device.tenantID, customerID: device.customerID.isNull ? nil : device.customerID,
            metadata: MessageMetadata([
                "deviceName": device.name, "deviceType": device.type, "notifyDevice": "false",
                "scope": "SHARED_SCOPE",
            ]),
            payload: .text(json), ruleChainID: session.profile.ruleChainID, queueName: session.profile.queueName)
    }

    /// A JSON string.
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\u{0}"..."\u{1F}":
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
