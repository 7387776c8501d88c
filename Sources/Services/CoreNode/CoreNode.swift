// CoreNode
