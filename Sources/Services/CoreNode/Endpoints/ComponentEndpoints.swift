internal import HTTPServer
internal import Model
internal import Storage

/// The kinds of rule nodes that editors offer (`rest-api.md` 4.13).
struct ComponentEndpoints: EndpointGroup {
    let services: Services

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/api/components", roles: [.system, .tenant], byTypes)
                .docs(
                    "The kinds of rule nodes of some components",
                    query: [.list("componentTypes").required, .choice("ruleChainType", ["CORE", "EDGE"])],
                    answer: .list("ComponentDescriptor")),
            Endpoint(.get, "/api/components/{componentType}", roles: [.system, .tenant], byType)
                .docs(
                    "The kinds of rule nodes of one component",
                    query: [.choice("ruleChainType", ["CORE", "EDGE"])], answer: .list("ComponentDescriptor")),
            Endpoint(.get, "/api/component/{componentDescriptorClazz}", roles: [.system, .tenant], byClass)
                .docs("One kind of rule node by its class name", answer: "ComponentDescriptor"),
        ]
    }

    private var components: ComponentDescriptorRepository { ComponentDescriptorRepository(services.database) }

    @Sendable private func byTypes(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        _ = try call.requiredText("componentTypes")
        return try await list(call.list("componentTypes"), call)
    }

    @Sendable private func byType(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        try await list([call.path["componentType"]], call)
    }

    private func list(_ types: [String], _ call: Call) async throws -> HTTPResponse {
        for type in types where RuleNodeDescriptor.Component(rawValue: type) == nil {
            throw APIError.conversion("componentType", type, to: "ComponentType")
        }
        // Nodes of chains for edges run there; none of them is known here.
        guard try call.ruleChainKind("ruleChainType") == .core else { return .json("[]") }
        return .json(try await components.find(components: types))
    }

    @Sendable private func byClass(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        guard let found = try await components.find(type: call.path["componentDescriptorClazz"]) else {
            throw APIError.itemNotFound
        }
        return .json(found)
    }
}
