internal import JSON
internal import Messages
internal import Model
internal import Storage

extension PersistentRPC: JSONRendered {
    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.id("id", .rpc, id)
            writer.member("createdTime", createdTime)
            writer.id("tenantId", tenantID)
            writer.id("deviceId", deviceID)
            writer.member("expirationTime", expirationTime)
            writer.document("request", shownRequest)
            writer.document("response", response)
            writer.member("status", status.rawValue)
            writer.document("additionalInfo", additionalInfo)
        }
    }

    /// Without the device's number of the call, which is nobody else's business.
    private var shownRequest: RawJSON {
        guard var members = request.value.objectValue, members[Self.numberMember] != nil else { return request }
        members[Self.numberMember] = nil
        return RawJSON(.object(members))
    }
}
