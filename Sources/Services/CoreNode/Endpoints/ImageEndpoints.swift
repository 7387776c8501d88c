internal import Crypto
internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Making, changing, exporting and importing images (`rest-api.md` 4.20); ``ResourceEndpoints`` reads them.
struct ImageEndpoints: EndpointGroup {
    let services: Services

    static let schemas = [
        "ImageExport": """
        fileName:string! title:string mediaType:string subType:string resourceKey:string public:boolean \
        publicResourceKey:string data:string!
        """
    ]

    var endpoints: [Endpoint] {
        let one = "/api/images/{scope}/{key}"
        return [
            Endpoint(.post, "/api/image", roles: [.system, .tenant], upload)
                .docs("Makes an image of a file", body: .form, answer: "TbResourceInfo"),
            Endpoint(.put, "/api/image/import", roles: [.system, .tenant], importImage)
                .docs("Makes an image of an export", body: "ImageExport", answer: "TbResourceInfo"),
            Endpoint(.get, one + "/info", roles: [.system, .tenant], info)
                .docs("An image without its content", answer: "TbResourceInfo"),
            Endpoint(.get, one + "/export", roles: [.system, .tenant], export)
                .docs("An image as a document that can be imported", answer: "ImageExport"),
            Endpoint(.put, one, roles: [.system, .tenant], replace)
                .docs("Replaces the file of an image", body: .form, answer: "TbResourceInfo"),
            Endpoint(.put, one + "/info", roles: [.system, .tenant], rename)
                .docs("Changes the title of an image", body: "TbResource", answer: "TbResourceInfo"),
            Endpoint(.put, one + "/public/{isPublic}", roles: [.system, .tenant], publish)
                .docs("Shows an image to everybody, or no more", answer: "TbResourceInfo"),
            Endpoint(.delete, one, roles: [.system, .tenant], delete)
                .docs("Deletes an image", query: [.boolean("force")]),
        ]
    }

    private var saving: ResourceSaving { ResourceSaving(services: services) }

    private func find(
        _ call: Call, _ principal: Principal, _ operation: Permissions.Operation
    ) async throws -> StoredResource {
        let tenant: TenantID
        switch call.path["scope"] {
        case "system": tenant = .system
        case "tenant": tenant = principal.tenantID
        default: throw APIError.itemNotFound
        }
        guard let found = try await saving.resources.find(kind: .image, key: call.path["key"], tenant: tenant) else {
            throw APIError.itemNotFound
        }
        try Permissions.requireShared(principal, operation, .tbResource, tenant: found.tenantID)
        return found
    }

    private func make(
        fileName: String, title: String?, key: String?, _ principal: Principal, now: Int64
    ) throws(APIError) -> StoredResource {
        let title = title ?? fileName
        var validation = Validation()
        validation.text("title", title)
        validation.text("fileName", fileName, called: "file name")
        try validation.check()
        return StoredResource(
            id: ResourceID(.ordered()), createdTime: now, tenantID: principal.tenantID, title: title, kind: .image,
            key: ResourceSaving.key(of: key ?? fileName), fileName: fileName)
    }

    // MARK: - Making

    @Sendable private func upload(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let form = try UploadedForm(call)
        guard let fileName = form.fileName else { throw APIError.invalid("Resource file name should be specified!") }
        var image = try make(fileName: fileName, title: form.text("title"), key: nil, principal, now: call.now)
        image.subKind = try ResourceSaving.subKind(form.text("imageSubType"))
        image.descriptor = try ResourceSaving.descriptor(of: form.file)
        return .json(try await saving.insert(image, content: form.file, by: principal))
    }

    /// What ``export(_:_:)`` shows. An image that has the file already is not made again.
    @Sendable private func importImage(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let body = try call.object()
        guard let fileName = try body.storedText("fileName"), !fileName.isEmpty else {
            throw APIError.invalid("Resource file name should be specified!")
        }
        guard let text = try body.text("data"), let data = Base64.decode(text), !data.isEmpty else {
            throw APIError.invalid("Resource data is not Base64!")
        }
        var image = try make(
            fileName: fileName, title: try body.storedText("title"), key: try body.storedText("resourceKey"), principal,
            now: call.now)
        image.subKind = try ResourceSaving.subKind(try body.text("subType"))
        image.descriptor = try ResourceSaving.descriptor(of: data)
        image.isPublic = try body.boolean("public") ?? false
        let etag = Hex.encode(Digest.sha256(data))
        let same = try await saving.resources.find(kind: .image, key: image.key, tenant: image.tenantID)
        if let same, same.etag == etag { return .json(same) }
        return .json(try await saving.insert(image, content: data, by: principal))
    }

    // MARK: - Reading

    @Sendable private func info(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await find(call, principal, .read))
    }

    @Sendable private func export(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let image = try await find(call, principal, .read)
        let content = try await saving.resources.content(of: image.id)
        return .json { writer in
            writer.object { writer in
                writer.member("mediaType", image.descriptor?.value["mediaType"]?.stringValue)
                writer.member("fileName", image.fileName)
                writer.member("title", image.title)
                writer.member("type", image.kind.rawValue)
                writer.member("subType", image.subKind)
                writer.member("resourceKey", image.key)
                writer.member("public", image.isPublic)
                writer.member("publicResourceKey", image.publicKey)
                writer.member("data", Base64.encode(content))
            }
        }
    }

    // MARK: - Changing

    @Sendable private func replace(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        var image = try await find(call, principal, .write)
        let form = try UploadedForm(call)
        if let fileName = form.fileName { image.fileName = String(fileName.suffix(255)) }
        image.descriptor = try ResourceSaving.descriptor(of: form.file)
        return .json(try await saving.update(image, content: form.file, by: principal))
    }

    @Sendable private func rename(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        var image = try await find(call, principal, .write)
        let title = try call.object().text("title")
        var validation = Validation()
        validation.text("title", title)
        try validation.check()
        image.title = try Validation.name("Resource title", title)
        return .json(try await saving.update(image, by: principal))
    }

    @Sendable private func publish(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        var image = try await find(call, principal, .write)
        switch call.path["isPublic"].lowercased() {
        case "true": image.isPublic = true
        case "false": image.isPublic = false
        default: throw APIError.conversion("isPublic", call.path["isPublic"], to: "boolean")
        }
        if image.publicKey == nil { image.publicKey = ResourceSaving.publicKey() }
        return .json(try await saving.update(image, by: principal))
    }

    @Sendable private func delete(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let image = try await find(call, principal, .delete)
        let isGone = try await saving.resources.delete(image.id, tenant: image.tenantID)
        if isGone { await services.actions.record(.deleted(ActionSubject(image)), by: principal) }
        return .json { writer in
            writer.object { writer in
                writer.member("success", isGone)
                writer.key("references")
                writer.null()
            }
        }
    }
}
