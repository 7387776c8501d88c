internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Comments on alarms (`rest-api.md` 4.11).
struct AlarmCommentEndpoints: EndpointGroup {
    let services: Services

    static let schemas = ["AlarmComment": "id:object alarmId:id(ALARM) type:string comment:object!"]

    private static let base = "/api/alarm/{alarmId}/comment"

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, Self.base, roles: .everyone, list)
                .docs("Comments on an alarm", query: .page, answer: .page("AlarmCommentInfo")),
            Endpoint(.post, Self.base, roles: [.tenant, .customer], save)
                .docs("Adds or changes a comment", body: "AlarmComment", answer: "AlarmComment"),
            Endpoint(.delete, Self.base + "/{commentId}", roles: [.tenant, .customer], delete)
                .docs("Replaces a comment by a note that it was deleted", answer: .nothing),
        ]
    }

    private var comments: AlarmCommentRepository { AlarmCommentRepository(services.database) }

    private func alarm(
        _ call: Call, _ principal: Principal, _ operation: Permissions.Operation
    ) async throws -> AlarmInfo {
        try await AlarmAccess(services: services).find(call, principal, operation)
    }

    @Sendable private func list(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let alarm = try await alarm(call, principal, .read)
        let page = try await comments.page(alarm: alarm.alarm.id, try call.pageLink())
        return .json { $0.page(page) { comment, writer in comment.write(asInfo: true, to: &writer) } }
    }

    // MARK: - Saving

    @Sendable private func save(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let alarm = try await alarm(call, principal, .write)
        let body = try call.object()
        guard var content = try body.object("comment")?.members else {
            throw APIError.invalid("Alarm comment should be specified!")
        }
        if let text = content["text"]?.stringValue, Validation.isMalformed(text) {
            throw APIError.invalid("Validation error: comment is malformed")
        }
        if let id = try body.object("id")?.text("id") {
            return .json(try await edit(try call.uuid(id), &content, alarm, call, principal))
        }
        let comment = AlarmComment(
            id: .ordered(), createdTime: call.now, alarmID: alarm.alarm.id, userID: principal.userID, kind: .other,
            comment: try Self.document(content))
        try await comments.insert(comment)
        await record(.addedComment, comment, alarm, principal)
        return .json(comment)
    }

    private func edit(
        _ id: UUID128, _ content: inout JSONObject, _ alarm: AlarmInfo, _ call: Call, _ principal: Principal
    ) async throws -> AlarmComment {
        guard var comment = try await comments.find(id, alarm: alarm.alarm.id) else { throw APIError.itemNotFound }
        if comment.kind == .system { throw APIError.invalid("System alarm comment can't be updated!") }
        try Self.checkAuthor(of: comment, principal, "edit")
        content["edited"] = "true"
        content["editedOn"] = .integer(call.now)
        comment.comment = try Self.document(content)
        try await comments.update(comment)
        await record(.updatedComment, comment, alarm, principal)
        return comment
    }

    @Sendable private func delete(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let alarm = try await alarm(call, principal, .write)
        let id = try call.uuid(call.path["commentId"])
        guard var comment = try await comments.find(id, alarm: alarm.alarm.id) else { throw Self.notFound(id) }
        if principal.authority != .tenantAdministrator { try Self.checkAuthor(of: comment, principal, "delete") }
        if comment.kind == .system { throw APIError.invalid("System comment could not be deleted") }
        comment.kind = .system
        comment.userID = nil
        comment.comment = RawJSON([
            "text": .string("Comment was deleted by user \(principal.title)"), "subtype": "COMMENT_DELETED",
            "userName": .string(principal.title),
        ])
        try await comments.update(comment)
        await record(.deletedComment, comment, alarm, principal)
        return .empty(200)
    }

    /// What somebody else wrote is not for others to change. What nobody wrote, has no author to ask.
    private static func checkAuthor(
        of comment: AlarmComment, _ principal: Principal, _ deed: StaticString
    ) throws(APIError) {
        guard let author = comment.userID, author != principal.userID else { return }
        throw APIError(403, .permissionDenied, "User is not allowed to \(deed) other user's comment")
    }

    private static func notFound(_ id: UUID128) -> APIError {
        APIError(404, .notFound, "Alarm comment with id [\(id)] is not found")
    }

    private static func document(_ content: JSONObject) throws(APIError) -> RawJSON {
        let document = RawJSON(JSONValue.object(content).withoutNullCharacters)
        if document.text.unicodeScalars.count > AlarmComment.maximumLength {
            throw .invalid(
                "Validation error: comment length must be equal or less than \(AlarmComment.maximumLength)")
        }
        return document
    }

    private func record(
        _ type: ActionType, _ comment: AlarmComment, _ alarm: AlarmInfo, _ principal: Principal
    ) async {
        var writer = JSONWriter()
        comment.write(to: &writer)
        let text = String(decoding: writer.bytes, as: UTF8.self)
        var action = EntityAction.whole(type, ActionSubject(alarm, as: alarm.alarm.id.entityID))
        action.metadata["comment"] = text
        action.audited = ["comment": comment.comment?.value ?? .null]
        await services.actions.record(action, by: principal)
    }
}
