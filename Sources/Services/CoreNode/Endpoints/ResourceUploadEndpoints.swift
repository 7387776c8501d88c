internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Resources whose content comes as a form (`rest-api.md` 4.20).
struct ResourceUploadEndpoints: EndpointGroup {
    let services: Services

    var endpoints: [Endpoint] {
        [
            Endpoint(.post, "/api/resource/upload", roles: [.system, .tenant], upload)
                .docs("Makes a resource of a file", body: .form, answer: "TbResourceInfo"),
            Endpoint(.put, "/api/resource/{resourceId}/data", roles: [.system, .tenant], replace)
                .docs("Replaces the content of a resource", body: .form, answer: "TbResourceInfo"),
            Endpoint(.put, "/api/resource/{resourceId}/info", roles: [.system, .tenant], describe)
                .docs("Changes what is said of a resource", body: "TbResource", answer: "TbResourceInfo"),
        ]
    }

    private var saving: ResourceSaving { ResourceSaving(services: services) }

    private func find(_ call: Call, _ principal: Principal) async throws -> StoredResource {
        let id: ResourceID = try call.id("resourceId")
        guard let found = try await saving.resources.find(id) else { throw APIError.notFound(.tbResource, id.uuid) }
        try Permissions.requireShared(principal, .write, .tbResource, tenant: found.tenantID)
        return found
    }

    private func checked(_ title: String?, _ fileName: String?) throws(APIError) -> String {
        var validation = Validation()
        validation.text("title", title)
        validation.text("fileName", fileName, called: "file name")
        try validation.check()
        return try Validation.name("Resource title", title)
    }

    @Sendable private func upload(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let form = try UploadedForm(call)
        guard let fileName = form.fileName else { throw APIError.invalid("Resource file name should be specified!") }
        guard let name = form.text("resourceType") else { throw APIError.invalid("Resource type should be specified!") }
        guard let kind = StoredResource.Kind(rawValue: name.uppercased()) else {
            throw APIError.conversion("resourceType", name, to: "ResourceType")
        }
        var resource = StoredResource(
            id: ResourceID(.ordered()), createdTime: call.now, tenantID: principal.tenantID,
            title: try checked(form.text("title") ?? fileName, fileName), kind: kind, key: fileName, fileName: fileName)
        resource.subKind = form.text("resourceSubType")
        if kind == .image {
            resource.key = ResourceSaving.key(of: fileName)
            resource.subKind = try ResourceSaving.subKind(resource.subKind)
            resource.descriptor = try ResourceSaving.descriptor(of: form.file)
        } else {
            if form.file.isEmpty { throw APIError.invalid("Resource data should be specified!") }
            resource.descriptor = try descriptor(form)
        }
        return .json(try await saving.insert(resource, content: form.file, by: principal))
    }

    /// The part `descriptor`; else the type of the file.
    private func descriptor(_ form: UploadedForm) throws(APIError) -> RawJSON? {
        if let text = form.text("descriptor") {
            guard let value = try? JSONValue.parse(text) else { throw .malformedBody("the descriptor is no JSON") }
            return RawJSON(value.withoutNullCharacters)
        }
        return form.contentType.map { RawJSON(["mediaType": .string(String($0.prefix(100)))]) }
    }

    @Sendable private func replace(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        var resource = try await find(call, principal)
        let form = try UploadedForm(call)
        if form.file.isEmpty { throw APIError.invalid("Resource data should be specified!") }
        if let fileName = form.fileName { resource.fileName = String(fileName.suffix(255)) }
        if resource.kind == .image { resource.descriptor = try ResourceSaving.descriptor(of: form.file) }
        return .json(try await saving.update(resource, content: form.file, by: principal))
    }

    @Sendable private func describe(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        var resource = try await find(call, principal)
        let body = try call.object()
        let fileName = try body.storedText("fileName")
        resource.title = try checked(try body.text("title"), fileName)
        if let fileName, !fileName.isEmpty { resource.fileName = fileName }
        if let subKind = try body.storedText("resourceSubType") {
            resource.subKind =
                resource.kind == .image ? try ResourceSaving.subKind(subKind) : String(subKind.prefix(255))
        }
        resource.descriptor = body.storedDocument("descriptor")
        return .json(try await saving.update(resource, by: principal))
    }
}
