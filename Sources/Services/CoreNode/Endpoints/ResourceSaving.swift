internal import Crypto
internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// How resources and images come in (`rest-api.md` 4.20): what they may be, and how large.
struct ResourceSaving: Sendable {
    let services: Services

    /// Bytes of one, whatever the tenant's profile says.
    static let largest = 50 << 20
    /// Attempts to find a key for an image that nobody else has.
    private static let maximumNumber = 1_000

    var resources: ResourceRepository { ResourceRepository(services.database) }

    /// Stores something new under its key.
    func insert(_ resource: StoredResource, content: [UInt8], by principal: Principal) async throws -> StoredResource {
        var resource = resource
        try await checkSize(content.count, replacing: 0, of: resource.tenantID)
        resource.etag = Hex.encode(Digest.sha256(content))
        if resource.kind == .image {
            resource.key = try await freeKey(for: resource)
            resource.publicKey = Self.publicKey()
        } else if try await resources.find(kind: resource.kind, key: resource.key, tenant: resource.tenantID) != nil {
            throw APIError.invalid("Resource with such key already exists!")
        }
        try await resources.insert(resource, content: content)
        await services.actions.record(.added(ActionSubject(resource)), by: principal)
        return resource
    }

    /// Stores a change.
    ///
    /// - Parameter content: Replaces what is stored where given.
    func update(
        _ resource: StoredResource, content: [UInt8]? = nil, by principal: Principal
    ) async throws -> StoredResource {
        var resource = resource
        if let content {
            let present = try await resources.size(of: resource.id)
            try await checkSize(content.count, replacing: present, of: resource.tenantID)
            resource.etag = Hex.encode(Digest.sha256(content))
        }
        guard let saved = try await resources.update(resource, content: content) else {
            throw APIError.notFound(.tbResource, resource.id.uuid)
        }
        await services.actions.record(.updated(ActionSubject(saved)), by: principal)
        return saved
    }

    /// `maxResourceSize` and `maxResourcesInBytes` of the tenant profile; 0 is no limit.
    func checkSize(_ bytes: Int, replacing present: Int64, of tenant: TenantID) async throws {
        if bytes > Self.largest { throw APIError.invalid("Resource exceeds the maximum size!") }
        if tenant == .system { return }
        let now = CurrentTime.milliseconds
        let largest = try await services.limits.number("maxResourceSize", tenant: tenant, now: now)
        if largest > 0, bytes > largest {
            throw APIError.invalid("Resource exceeds the maximum size of \(largest) bytes!")
        }
        let total = try await services.limits.number("maxResourcesInBytes", tenant: tenant, now: now)
        if total > 0, try await resources.totalSize(tenant: tenant) - present + Int64(bytes) > total {
            throw APIError.invalid("Resources total size exceeds the maximum of \(total) bytes!")
        }
    }

    /// The key of an image, with a number where another image has it.
    private func freeKey(for image: StoredResource) async throws -> String {
        let (stem, ending) = Self.split(image.key)
        var key = image.key
        for number in 1...Self.maximumNumber {
            if try await resources.find(kind: .image, key: key, tenant: image.tenantID) == nil { return key }
            key = "\(stem)_(\(number))\(ending)"
        }
        throw APIError.invalid("Too many images are called \(image.key)")
    }

    private static func split(_ name: String) -> (stem: Substring, ending: Substring) {
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return (name[...], "") }
        return (name[..<dot], name[dot...])
    }

    /// Under which an image is read by everybody once it is public.
    static func publicKey() -> String { Hex.encode(SecureRandom.bytes(16)) }

    /// A key that fits into a path: letters, digits and a few marks of a file's name.
    static func key(of fileName: String) -> String {
        String(
            fileName.lowercased().map { character in
                character.isASCII && (character.isLetter || character.isNumber || "._-()".contains(character))
                    ? character : "_"
            }.suffix(200))
    }

    /// What browsers need to know of an image; refuses what is none.
    static func descriptor(of image: [UInt8]) throws(APIError) -> RawJSON {
        guard let format = ImageFormat(image) else { throw .invalid("The file is no image that can be shown!") }
        return RawJSON([
            "mediaType": .string(format.mediaType), "width": .integer(Int64(format.width)),
            "height": .integer(Int64(format.height)), "size": .integer(Int64(image.count)),
            "etag": .string(Hex.encode(Digest.sha256(image))),
        ])
    }

    static func subKind(_ name: String?) throws(APIError) -> String {
        let known = ["IMAGE", "SCADA_SYMBOL"]
        guard let name else { return known[0] }
        guard known.contains(name.uppercased()) else { throw .conversion("imageSubType", name, to: "ResourceSubType") }
        return name.uppercased()
    }
}
