internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

extension JSONWriter {
    /// `{"entityType":"DEVICE","id":"..."}`; `null` for none (`rest-api.md` 2.2).
    mutating func id(_ key: StaticString, _ type: EntityType, _ uuid: UUID128?) {
        self.key(key)
        guard let uuid else { return null() }
        object { writer in
            writer.member("entityType", type.name)
            writer.member("id", uuid.text)
        }
    }

    mutating func id(_ key: StaticString, _ identifier: some EntityIdentifier) {
        id(key, type(of: identifier).entityType, identifier.uuid)
    }

    /// A stored JSON document as it is.
    mutating func document(_ key: StaticString, _ document: RawJSON?) {
        self.key(key)
        if let document { raw(document.text) } else { null() }
    }

    /// A page with its totals (`rest-api.md` 2.6).
    mutating func page<Element>(_ page: Page<Element>, _ write: (Element, inout JSONWriter) -> Void) {
        object { writer in
            writer.key("data")
            writer.array { writer in
                for element in page.elements { write(element, &writer) }
            }
            writer.member("totalPages", page.totalPages)
            writer.member("totalElements", page.totalElements)
            writer.member("hasNext", page.hasNext)
        }
    }
}

extension HTTPResponse {
    /// 200 with what `body` writes.
    static func json(_ body: (inout JSONWriter) -> Void) -> HTTPResponse {
        var writer = JSONWriter()
        body(&writer)
        return .json(writer.bytes)
    }

    /// 200 with one entity, page or list.
    static func json(_ value: some JSONRendered) -> HTTPResponse { json { value.write(to: &$0) } }

    static func json<Element: JSONRendered>(_ page: Page<Element>) -> HTTPResponse {
        json { $0.page(page) { element, writer in element.write(to: &writer) } }
    }

    static func json<Element: JSONRendered>(_ list: [Element]) -> HTTPResponse {
        json { writer in
            writer.array { writer in
                for element in list { element.write(to: &writer) }
            }
        }
    }
}

/// What has one form in JSON. Each entity says it in one place.
protocol JSONRendered {
    func write(to writer: inout JSONWriter)
}
