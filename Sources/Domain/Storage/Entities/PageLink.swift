/// Which part of a list is wanted, in which order (`rest-api.md` 2.6).
public struct PageLink: Sendable {
    public var pageSize: Int
    /// From zero.
    public var page: Int
    /// A case-insensitive part of one of the list's search columns; its characters stand for themselves.
    public var textSearch: String?
    public var sort: Sort?

    public struct Sort: Sendable {
        /// The name of the entity's JSON member.
        public var property: String
        public var descending: Bool

        public init(property: String, descending: Bool) {
            self.property = property
            self.descending = descending
        }
    }

    public init(pageSize: Int, page: Int, textSearch: String? = nil, sort: Sort? = nil) {
        precondition(pageSize > 0 && page >= 0, "page \(page) of size \(pageSize)")
        self.pageSize = pageSize
        self.page = page
        self.textSearch = textSearch
        self.sort = sort
    }

    var offset: Int64 {
        let (product, overflow) = Int64(page).multipliedReportingOverflow(by: Int64(pageSize))
        return overflow ? .max : product
    }
}

/// A part of a list.
public struct Page<Element: Sendable>: Sendable {
    public var elements: [Element]
    /// Of the whole list.
    public var totalElements: Int64
    public var pageSize: Int
    public var page: Int

    public init(elements: [Element], totalElements: Int64, link: PageLink) {
        self.elements = elements
        self.totalElements = totalElements
        pageSize = link.pageSize
        page = link.page
    }

    public var totalPages: Int64 { (totalElements + Int64(pageSize) - 1) / Int64(pageSize) }
    public var hasNext: Bool { Int64(page) + 1 < totalPages }
}
