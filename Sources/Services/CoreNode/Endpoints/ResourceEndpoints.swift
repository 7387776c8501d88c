internal import Crypto
internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Files for user interfaces and devices, and images (`rest-api.md` 4.20).
struct ResourceEndpoints: EndpointGroup {
    let services: Services

    static let schemas = [
        "TbResource": "id:id(TB_RESOURCE) title:string! resourceType:string! fileName:string! data:string"
    ]

    /// Images have endpoints of their own.
    private static let listed = StoredResource.Kind.allCases.filter { $0 != .image }

    /// Kinds that have a path of their own, and who may take what it leads to.
    private static let downloads: [(path: String, kind: StoredResource.Kind, roles: Roles)] = [
        ("lwm2m", .lwm2mModel, [.system, .tenant]), ("pkcs12", .pkcs12, [.system, .tenant]),
        ("jks", .jks, [.system, .tenant]), ("js", .jsModule, .everyone),
    ]

    var endpoints: [Endpoint] { ofResources + typedDownloads }

    private var typedDownloads: [Endpoint] {
        Self.downloads.map { path, kind, roles in
            Endpoint(.get, "/api/resource/\(path)/{resourceId}/download", roles: roles) { call, principal in
                let id: ResourceID = try call.id("resourceId")
                guard let found = try await resources.find(id), found.kind == kind else {
                    throw APIError.notFound(.tbResource, id.uuid)
                }
                // The roles above say which kinds are customers' to read.
                let isShared = [.system, principal.tenantID].contains(found.tenantID)
                guard isShared else { throw APIError.permissionDenied }
                return try await content(of: found, call, asFile: true)
            }.docs("The content of a resource of that kind", answer: .bytes("application/octet-stream"))
        }
    }

    private var ofResources: [Endpoint] {
        [
            Endpoint(.get, "/api/resource", roles: [.system, .tenant], list)
                .docs(
                    "Resources",
                    query: [.uuids("resourceIds"), .text("resourceType"), .text("resourceSubType")] + .page,
                    answer: .page("TbResourceInfo")),
            Endpoint(.get, "/api/resource/tenant", roles: .tenant, ownList)
                .docs("Resources of the tenant", query: .page, answer: .page("TbResourceInfo")),
            Endpoint(.get, "/api/resource/list", roles: [.system, .tenant], byIDs)
                .docs(
                    "Resources by ids", query: [.uuids("resourceIds").required], answer: .list("TbResourceInfo")),
            Endpoint(.post, "/api/resource", roles: [.system, .tenant], save)
                .docs("Creates or changes a resource", body: "TbResource", answer: "TbResourceInfo"),
            Endpoint(.get, "/api/resource/{resourceId}", roles: [.system, .tenant], read)
                .docs("A resource with its content", answer: "TbResource"),
            Endpoint(.get, "/api/resource/info/{resourceId}", roles: [.system, .tenant], readInfo)
                .docs("A resource without its content", answer: "TbResourceInfo"),
            Endpoint(.get, "/api/resource/{resourceId}/download", roles: [.system, .tenant], download)
                .docs("The content of a resource", answer: .bytes("application/octet-stream")),
            Endpoint(.delete, "/api/resource/{resourceId}", roles: [.system, .tenant], delete)
                .docs("Deletes a resource", query: [.boolean("force")]),
            Endpoint(.get, "/api/resource/{resourceType}/{scope}/{key}", roles: .everyone, byKey)
                .docs("The content of a resource by its key", answer: .bytes("application/octet-stream")),
            Endpoint(.get, "/api/resource/{resourceType}/{scope}/{key}/info", roles: [.system, .tenant], infoByKey)
                .docs("A resource by its key", answer: "TbResourceInfo"),
            Endpoint(.get, "/api/images", roles: [.system, .tenant], images)
                .docs(
                    "Images", query: [.text("imageSubType"), .boolean("includeSystemImages")] + .page,
                    answer: .page("TbResourceInfo")),
            Endpoint(.get, "/api/images/{scope}/{key}", roles: .everyone, image)
                .docs("An image", answer: .bytes("image/png")),
            Endpoint(.get, "/api/images/{scope}/{key}/preview", roles: .everyone, image)
                .docs("An image to be shown small", answer: .bytes("image/png")),
            Endpoint.open(.get, "/api/images/public/{publicResourceKey}", publicImage)
                .docs("An image that is open to everybody", answer: .bytes("image/png")),
        ]
    }

    private var resources: ResourceRepository { ResourceRepository(services.database) }
    private var saving: ResourceSaving { ResourceSaving(services: services) }

    // MARK: - Finding

    private func find(
        _ call: Call, _ principal: Principal, _ operation: Permissions.Operation
    ) async throws -> StoredResource {
        let id: ResourceID = try call.id("resourceId")
        guard let found = try await resources.find(id) else { throw APIError.notFound(.tbResource, id.uuid) }
        try Permissions.requireShared(principal, operation, .tbResource, tenant: found.tenantID)
        return found
    }

    /// By kind, owner and key of the path.
    private func find(_ kind: StoredResource.Kind, _ call: Call, _ principal: Principal) async throws -> StoredResource
    {
        let tenant: TenantID
        switch call.path["scope"] {
        case "system": tenant = .system
        case "tenant": tenant = principal.tenantID
        default: throw APIError.itemNotFound
        }
        guard let found = try await resources.find(kind: kind, key: call.path["key"], tenant: tenant) else {
            throw APIError.itemNotFound
        }
        return found
    }

    private func kind(_ name: String, _ parameter: String) throws(APIError) -> StoredResource.Kind {
        guard let kind = StoredResource.Kind(rawValue: name.uppercased()) else {
            throw .conversion(parameter, name, to: "ResourceType")
        }
        return kind
    }

    // MARK: - Lists

    @Sendable private func list(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        if call.query.first("resourceIds") != nil { return try await byIDs(call, principal) }
        return try await page(call, principal, ownOnly: false)
    }

    @Sendable private func ownList(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        try await page(call, principal, ownOnly: true)
    }

    private func page(_ call: Call, _ principal: Principal, ownOnly: Bool) async throws -> HTTPResponse {
        let kinds = try call.text("resourceType").map { [try kind($0, "resourceType")] } ?? Self.listed
        return .json(
            try await resources.page(
                tenant: principal.tenantID, ownOnly: ownOnly, kinds: kinds, subKind: call.text("resourceSubType"),
                try call.pageLink()))
    }

    @Sendable private func byIDs(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await resources.find(try call.requiredIDs("resourceIds"), tenant: principal.tenantID))
    }

    @Sendable private func images(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(
            try await resources.page(
                tenant: principal.tenantID, ownOnly: !(try call.boolean("includeSystemImages") ?? false),
                kinds: [.image], subKind: try subKind(call), try call.pageLink()))
    }

    private func subKind(_ call: Call) throws(APIError) -> String? {
        guard let name = call.text("imageSubType") else { return nil }
        return try ResourceSaving.subKind(name)
    }

    // MARK: - One

    @Sendable private func readInfo(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await find(call, principal, .read))
    }

    @Sendable private func infoByKey(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await find(try kind(call.path["resourceType"], "resourceType"), call, principal))
    }

    @Sendable private func read(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let resource = try await find(call, principal, .read)
        let content = try await resources.content(of: resource.id)
        return .json { writer in resource.write(content: content, to: &writer) }
    }

    @Sendable private func download(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        try await content(of: try await find(call, principal, .read), call, asFile: true)
    }

    @Sendable private func byKey(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let kind = try kind(call.path["resourceType"], "resourceType")
        let open: [StoredResource.Kind] = [.image, .jsModule, .dashboard]
        if principal.authority == .customerUser, !open.contains(kind) { throw APIError.permissionDenied }
        return try await content(of: try await find(kind, call, principal), call, asFile: kind != .image)
    }

    @Sendable private func image(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        try await content(of: try await find(.image, call, principal), call, asFile: false)
    }

    @Sendable private func publicImage(_ call: Call) async throws -> HTTPResponse {
        guard let found = try await resources.find(publicKey: call.path["publicResourceKey"]), found.kind == .image
        else {
            throw APIError.itemNotFound
        }
        return try await content(of: found, call, asFile: false)
    }

    /// The bytes, unless the client has them already. Nothing of it may run in the page of the platform.
    private func content(of resource: StoredResource, _ call: Call, asFile: Bool) async throws -> HTTPResponse {
        let tag = "\"\(resource.etag ?? "")\""
        // Kept by browsers, and asked for by its tag before it is shown again.
        var fields = [
            ("ETag", tag), ("Cache-Control", "no-cache"),
            ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox"),
        ]
        if EntityTag.isKnown(resource.etag ?? "", to: call.request) {
            return HTTPResponse(status: 304, fields: fields)
        }
        let media =
            resource.kind.mediaType ?? resource.descriptor?.value["mediaType"]?.stringValue
            ?? "application/octet-stream"
        fields.append(("Content-Type", Self.isMediaType(media) ? media : "application/octet-stream"))
        if asFile {
            let name = resource.fileName.filter { $0.isASCII && $0 != "\"" && $0 != "\\" && !$0.isNewline && $0 >= " " }
            fields.append(("Content-Disposition", "attachment;filename=\"\(name)\""))
        }
        return HTTPResponse(status: 200, fields: fields, body: try await resources.content(of: resource.id))
    }

    private static func isMediaType(_ text: String) -> Bool {
        text.utf8.count < 100
            && text.utf8.allSatisfy { $0 >= 0x21 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: ",") }
    }

    // MARK: - Writing

    @Sendable private func save(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let body = try call.object()
        let title = try body.text("title")
        let fileName = try body.storedText("fileName")
        var validation = Validation()
        validation.text("title", title)
        validation.text("fileName", fileName, called: "file name")
        try validation.check()
        let checked = try Validation.name("Resource title", title)
        let content = try content(body)
        if let id: ResourceID = try body.id("id") {
            guard var stored = try await resources.find(id) else { throw APIError.notFound(.tbResource, id.uuid) }
            try Permissions.requireShared(principal, .write, .tbResource, tenant: stored.tenantID)
            stored.title = checked
            if let fileName { stored.fileName = fileName }
            if let content {
                let present = try await resources.size(of: id)
                try await saving.checkSize(content.count, replacing: present, of: stored.tenantID)
            }
            if let content { stored.etag = Hex.encode(Digest.sha256(content)) }
            stored.descriptor = body.storedDocument("descriptor")
            guard let saved = try await resources.update(stored, content: content) else {
                throw APIError.notFound(.tbResource, id.uuid)
            }
            await services.actions.record(.updated(ActionSubject(saved)), by: principal)
            return .json(saved)
        }
        guard let type = try body.text("resourceType") else {
            throw APIError.invalid("Resource type should be specified!")
        }
        guard let kind = StoredResource.Kind(rawValue: type) else {
            throw APIError.malformedBody("unknown resourceType '\(type)'")
        }
        guard let fileName, !fileName.isEmpty else { throw APIError.invalid("Resource file name should be specified!") }
        if fileName.contains(where: { "/\\".contains($0) }) {
            throw APIError.invalid("File name contains forbidden symbols")
        }
        guard let content else { throw APIError.invalid("Resource data should be specified!") }
        var resource = StoredResource(
            id: ResourceID(.ordered()), createdTime: call.now, tenantID: principal.tenantID, title: checked,
            kind: kind, key: try body.storedText("resourceKey") ?? fileName,
            fileName: fileName)
        resource.subKind = try body.storedText("resourceSubType")
        resource.etag = Hex.encode(Digest.sha256(content))
        resource.descriptor = body.storedDocument("descriptor")
        let present = try await resources.find(kind: resource.kind, key: resource.key, tenant: principal.tenantID)
        if present != nil { throw APIError.invalid("Resource with such key already exists!") }
        try await saving.checkSize(content.count, replacing: 0, of: principal.tenantID)
        try await resources.insert(resource, content: content)
        await services.actions.record(.added(ActionSubject(resource)), by: principal)
        return .json(resource)
    }

    /// Base64 of member `data`.
    private func content(_ body: RequestObject) throws(APIError) -> [UInt8]? {
        guard let text = try body.text("data"), !text.isEmpty else { return nil }
        guard let bytes = Base64.decode(text) else { throw .invalid("Resource data is not Base64!") }
        return bytes
    }

    @Sendable private func delete(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let resource = try await find(call, principal, .delete)
        let isGone = try await resources.delete(resource.id, tenant: resource.tenantID)
        if isGone { await services.actions.record(.deleted(ActionSubject(resource)), by: principal) }
        return .json { writer in
            writer.object { writer in
                writer.member("success", isGone)
                writer.key("references")
                writer.null()
            }
        }
    }
}

extension ActionSubject {
    init(_ resource: StoredResource) {
        self.init(resource, tenant: resource.tenantID, resource.id, name: resource.title)
    }
}

extension StoredResource: JSONRendered {
    func write(to writer: inout JSONWriter) { write(content: nil, to: &writer) }

    func write(content: [UInt8]?, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.id("id", id)
            writer.member("createdTime", createdTime)
            writer.id("tenantId", tenantID)
            writer.member("title", title)
            writer.member("resourceType", kind.rawValue)
            writer.member("resourceSubType", subKind)
            writer.member("resourceKey", key)
            writer.member("publicResourceKey", publicKey)
            writer.member("etag", etag)
            writer.member("fileName", fileName)
            writer.document("descriptor", descriptor)
            writer.id("externalId", .tbResource, externalID)
            writer.member("name", title)
            writer.member("public", isPublic)
            writer.member("link", link)
            writer.member("publicLink", isPublic ? publicKey.map { "/api/images/public/\($0)" } : nil)
            if let content { writer.member("data", Base64.encode(content)) }
        }
    }

    /// Where the content is read.
    private var link: String {
        let scope = tenantID == .system ? "system" : "tenant"
        return kind == .image
            ? "/api/images/\(scope)/\(key)" : "/api/resource/\(kind.rawValue.lowercased())/\(scope)/\(key)"
    }
}
