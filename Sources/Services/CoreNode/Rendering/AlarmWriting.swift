internal import JSON
internal import Model
internal import Storage

extension Alarm: JSONRendered {
    func write(to writer: inout JSONWriter) {
        writer.object { writer in writeMembers(to: &writer) }
    }

    fileprivate func writeMembers(to writer: inout JSONWriter) {
        for (key, value) in members {
            writer.key(key)
            writer.value(value)
        }
        writer.document("details", details)
    }
}

extension AlarmInfo: JSONRendered {
    func write(to writer: inout JSONWriter) {
        writer.object { writer in writeMembers(to: &writer) }
    }

    func writeMembers(to writer: inout JSONWriter) {
        alarm.writeMembers(to: &writer)
        for (key, value) in names {
            writer.key(key)
            writer.value(value)
        }
    }
}

extension AlarmComment: JSONRendered {
    func write(to writer: inout JSONWriter) { write(asInfo: false, to: &writer) }

    /// - Parameter asInfo: With the names of the user.
    func write(asInfo: Bool, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.key("id")
            writer.object { $0.member("id", id.text) }
            writer.member("createdTime", createdTime)
            writer.id("alarmId", alarmID)
            writer.id("userId", .user, userID?.uuid)
            writer.member("type", kind.rawValue)
            writer.document("comment", comment)
            writer.member("name", comment?.text)
            guard asInfo else { return }
            writer.member("firstName", firstName)
            writer.member("lastName", lastName)
            writer.member("email", email)
        }
    }
}
