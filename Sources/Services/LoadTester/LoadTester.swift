// LoadTester
