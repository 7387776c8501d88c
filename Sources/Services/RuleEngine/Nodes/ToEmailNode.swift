import JSON
import Messages
import Model

/// "to email" (`rule-engine.md` 3.5): makes of a message what "send email" sends.
final class ToEmailNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.mail.TbMsgToEmailNode"
    static let order: NodeOrder = .free

    private enum Body {
        case plain
        case html
        /// The text says whether it is HTML.
        case dynamic(MessageTemplate)
    }

    /// Names in the result, in order, and the settings that they come from.
    private static let parts = [
        ("from", "fromTemplate"), ("to", "toTemplate"), ("cc", "ccTemplate"), ("bcc", "bccTemplate"),
        ("subject", "subjectTemplate"), ("body", "bodyTemplate"),
    ]

    private var templates: [(name: String, template: MessageTemplate?)] = []
    private let body: Body

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        for (name, setting) in Self.parts {
            let text = try fields.string(setting) ?? ""
            templates.append((name, text.isEmpty ? nil : MessageTemplate(text)))
        }
        let html = MessageTemplate(try fields.string("isHtmlTemplate") ?? "")
        switch try fields.string("mailBodyType") ?? "false" {
        case "dynamic": body = .dynamic(html)
        case let type: body = type.lowercased() == "true" ? .html : .plain
        }
        try fields.end()
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        do throws(RuleNodeError) {
            var email: JSONObject = [:]
            for (name, template) in templates {
                email[name] =
                    try template.map { template throws(RuleNodeError) in
                        .string(try template.filled(message))
                    } ?? .null
            }
            email["images"] = try images(message)
            switch body {
            case .plain: email["html"] = false
            case .html: email["html"] = true
            case .dynamic(let template): email["html"] = .bool(try template.filled(message).lowercased() == "true")
            }
            var made = message.with(data: .object(email))
            made.type = .known(.sendEmail)
            return .next(made, .success)
        } catch {
            return .failure(message, error.message)
        }
    }

    private func images(_ message: RuleMessage) throws(RuleNodeError) -> JSONValue {
        guard let text = message.metadata["images"], !text.isEmpty else { return .null }
        guard let images = try? JSONValue.parse(text), images.objectValue != nil else {
            throw RuleNodeError("Metadata images is no object")
        }
        return images
    }
}
