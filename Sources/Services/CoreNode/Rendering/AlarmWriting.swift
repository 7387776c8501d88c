internal import JSON
internal import Model
internal import Storage

extension Alarm: JSONRendered {
    func write(to writer: inout JSONWriter) {
        writer.object { writer in writeMembers(to: &writer) }
    }

    fileprivate func writeMembers(to writer: inout JSONWriter) {
        writer.id("id", id)
        writer.member("createdTime", createdTime)
        writer.id("tenantId", tenantID)
        writer.id("customerId", .customer, customerID?.uuid)
        writer.member("type", type)
        writer.id("originator", originator.type, originator.uuid)
        writer.member("severity", severity.rawValue)
        writer.member("acknowledged", isAcknowledged)
        writer.member("cleared", isCleared)
        writer.id("assigneeId", .user, assigneeID?.uuid)
        writer.member("startTs", startTime)
        writer.member("endTs", endTime)
        writer.member("ackTs", acknowledgeTime)
        writer.member("clearTs", clearTime)
        writer.member("assignTs", assignTime)
        writer.member("propagate", propagation.isOn)
        writer.member("propagateToOwner", propagation.toOwner)
        writer.member("propagateToTenant", propagation.toTenant)
        writer.key("propagateRelationTypes")
        writer.array { writer in for type in propagation.relationTypes { writer.value(type) } }
        writer.member("name", type)
        writer.member("status", status)
        writer.document("details", details)
    }
}

extension AlarmInfo: JSONRendered {
    func write(to writer: inout JSONWriter) {
        writer.object { writer in writeMembers(to: &writer) }
    }

    func writeMembers(to writer: inout JSONWriter) {
        alarm.writeMembers(to: &writer)
        writer.member("originatorName", originatorName)
        writer.member("originatorLabel", originatorLabel)
        writer.key("assignee")
        guard let assignee = alarm.assigneeID else { return writer.null() }
        writer.object { writer in
            writer.id("id", assignee)
            writer.member("firstName", assigneeFirstName)
            writer.member("lastName", assigneeLastName)
            writer.member("email", assigneeEmail)
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
