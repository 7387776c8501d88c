internal import JSON
internal import Model
internal import Storage

extension Contact {
    /// The members of an entity that can be reached.
    fileprivate func writeMembers(to writer: inout JSONWriter) {
        writer.member("country", country)
        writer.member("state", state)
        writer.member("city", city)
        writer.member("address", address)
        writer.member("address2", address2)
        writer.member("zip", zip)
        writer.member("phone", phone)
        writer.member("email", email)
    }
}

extension Tenant: JSONRendered {
    func write(to writer: inout JSONWriter) { write(asInfo: false, to: &writer) }

    /// - Parameter asInfo: With the name of the profile.
    func write(asInfo: Bool, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.id("id", id)
            writer.member("createdTime", createdTime)
            contact.writeMembers(to: &writer)
            writer.member("title", title)
            writer.member("region", region)
            writer.id("tenantProfileId", tenantProfileID)
            writer.member("version", version)
            writer.member("name", title)
            if asInfo { writer.member("tenantProfileName", profileName) }
            writer.document("additionalInfo", additionalInfo)
        }
    }
}

extension Customer: JSONRendered {
    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.id("id", id)
            writer.member("createdTime", createdTime)
            contact.writeMembers(to: &writer)
            writer.member("title", title)
            writer.id("tenantId", tenantID)
            writer.id("externalId", .customer, externalID)
            writer.member("version", version)
            writer.member("name", title)
            writer.document("additionalInfo", additionalInfo)
        }
    }
}

extension User: JSONRendered {
    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.id("id", id)
            writer.member("createdTime", createdTime)
            writer.id("tenantId", tenantID)
            writer.id("customerId", customerID)
            writer.member("email", email)
            writer.member("authority", authority.rawValue)
            writer.member("firstName", firstName)
            writer.member("lastName", lastName)
            writer.member("phone", phone)
            writer.member("version", version)
            writer.member("name", email)
            writer.document("additionalInfo", additionalInfo)
        }
    }
}

extension User {
    /// What others who work with the user need.
    ///
    /// - Parameter absent: What stands for a name that the user has not.
    func writeInfo(absent: String? = nil, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.id("id", id)
            writer.member("email", email)
            writer.member("firstName", firstName ?? absent)
            writer.member("lastName", lastName ?? absent)
        }
    }
}

extension TenantProfile: JSONRendered {
    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.id("id", id)
            writer.member("createdTime", createdTime)
            writer.member("name", name)
            writer.member("description", description)
            writer.member("isolatedTbRuleEngine", isolatesRuleEngine)
            writer.member("default", isDefault)
            writer.member("profileData", TenantProfileDefaults.completed(profileData.value))
        }
    }

    func writeInfo(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.id("id", id)
            writer.member("name", name)
        }
    }
}

extension TokenPair: JSONRendered {
    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("token", access)
            writer.member("refreshToken", refresh)
        }
    }
}
