namespace OpenCloud.Build.Host.Releases;

/// <summary>
/// Releases whose archives this module knows by sha256. Sources: nerdctl's build recipe pins both archives of the releases it
/// ships (containerd/nerdctl, Dockerfile.d/SHA256SUMS.d; read at 8da504083f15, v0.33.x at 04e041c1a0e4); v0.32.2 is pinned with
/// the same two hashes by several projects that do not share code. No source is the release itself: the table proves that
/// an archive is the one those projects ship.
/// </summary>
public static class KnownReleases
{
    private static readonly Dictionary<string, (string Amd64, string Arm64)> Hashes = new(StringComparer.Ordinal)
    {
        ["v0.16.0"] = ("a07a01da821d39bdb6e03a2f98ee407bb861cc61ece2e69e2ea4d61b3a4ab7f1", "1b70bb7955ddda66537d4bf9aa540e79e79e19aa989901613da58f5f133a53ef"),
        ["v0.17.0"] = ("3a9fea5977df76e9008fa5fb3d9b5dd581729e8adced2180a45bd3c12a4d1331", "5ec19fe78eeef2c03bef216d6890f05901fc117e7a66f88b423268dfcf5cf4af"),
        ["v0.17.1"] = ("9352f7362045f4ae5eae55b41f8f30375d35a37f6a5931e2542916c92c3d00f9", "e232060d7782938e7c3d23c247a438e571f96fd197279c6b021a7f81deae45eb"),
        ["v0.18.0"] = ("7b4d8d825a23114a20b6ccf87aa674b0792be5cb1b573b8273fe7f3fa01f40d1", "361862432dd3b4961882e5031364ab98be7618be7b80574465207f9e1e18efc3"),
        ["v0.18.1"] = ("02b986569330f09dc837486f80d9818812aba1ac8bd892b337adeb56eafe3794", "484a725519bd15a3b3d1f84c2dfc37749af6f06bc6c40d83395312e4d1fb18f1"),
        ["v0.18.2"] = ("5662f23cfa5e475ff50932dd2b71d2c5812928fad631d1e8c9f8f5592a4c1568", "de0ae01abc689102de6a765f8f40a30e86203897d3a7b44511a3aa66824bbc48"),
        ["v0.19.0"] = ("09993fdd8b454e541ac14a1adf4bf53d271dbc8f3aafde45894bf689604a0a5c", "be7f7922d8f5eea02704cd707fb62b5a18e272452243804601b523ae6bef0ef5"),
        ["v0.20.1"] = ("a52768180e2fc1e5ce5ba7c039dcb38ee22ec25e230d34bc4fb3c60159f71be0", "0023f4304cd8e470a6a21f4272bbf10a4d02b51252f17ef22cc272d642c9cf23"),
        ["v0.21.1"] = ("e0d83a631a48f13232fcee71cbd913e6b11dbde0a45985fa1b99af27ab97086e", "7652a05f2961c386ea6e65c4701daa0e5a899a20c77596cd5f0eca02851dc1f6"),
        ["v0.23.2"] = ("2771c3403e3a1f75a83cde387a05365794d3b900c355e864772a36c3ce541f82", "6385ff70b2fb4134b50ac3183eea3a0b06c6f6129173940d73178ae0477368f1"),
        ["v0.24.0"] = ("af8064eca16077b4d6937745988ba2d2dfa439540874cdcd918318315f3ba1d3", "38dc4433d220bb43c198df2070e49d5dde5ed44ee31fb80d6b13722eec21d4ea"),
        ["v0.25.1"] = ("85aa27c480fc9159705d21a3e66abe305f8dc708b8aeecd1e87bbc5c3de98642", "b7ad3db5e886ef40a28974dc94217666054c147bd0e06e5f71420210c4b72fba"),
        ["v0.25.2"] = ("d18b8188b600e201a1b3d08c20e2a1e439cf51d2c2285f132dd9bd51c666f6d6", "f6fd69c40bec1788d650430ede40545a47bd765922ad23456a463e88b47039cf"),
        ["v0.26.3"] = ("249ae16ba4be59fadb51a49ff4d632bbf37200e2b6e187fa8574f0f1bce8166b", "a98829f1b1b9ec596eb424dd03f03b9c7b596edac83e6700adf83ba0cb0d5f80"),
        ["v0.28.1"] = ("2e84057b941488c54575aee57015681f08c71042bd20c739b23879dfad3f2449", "40caf32b10cb0766f7440a53fea9cfe15c8116d64f9365c53ff417958a136332"),
        ["v0.29.0"] = ("ab8d93c72253b450f34a43e1c480abc52380f4aec3a8a395aebf09489efef7a0", "99a279e30be2947294eece98d82d1461fcfdc47da59514cb85252bb5ef414801"),
        ["v0.30.0"] = ("2da148c50540409988c837e62b72176e4a9ad7855548a2dd6ea1cd0c0d2d360d", "d0c9601e49f441dcc5c6493c884275a5470dcc9c188c96573c4dd503f2fde97d"),
        ["v0.31.0"] = ("a13e961a4e4e1afbece1ddfd6818ff726fe4577a99b2763e677456016827f4b7", "74efb4326bac95ecc562a139d34833f4ae7a8df884780910c7ef2cb50e92db66"),
        ["v0.31.1"] = ("1fc78750d0c96bdc18799a3c0b551d6807bd4939e8cd79e357823e467451e16e", "a4c9bef205f61c1e4253bdfd196e1db303aca25e8756105d75c6fddfbab7903f"),
        ["v0.31.2"] = ("fbabdb72433a35f5bb646e4cd424bf8567e5d055710cf55840f7af2020640791", "41fba1eed480376934fa4c8177ddd7021036b5168a0eb8e7ab5eccdf75d47a05"),
        ["v0.32.2"] = ("2975d0f651ad96ba8b80b9992ae1f9a964f4408569af5b6dc36544165c3926af", "9e8f46bf309ec0ab262967be5538a4dbe06be756a82621f98253933bac5dcf92"),
        ["v0.33.0"] = ("b6242896d343100808dcbe37565caf381e0a444a6a83d7255926bb1519248ead", "e5acfb5929f967fde3b925ddb39f79fd481a0e96774c641fab3a0e83950d7bfa"),
        ["v0.33.1"] = ("4e044bcd62a0c0bbe6a8c94d73989de2bfe4c04dbc0f9d6021cf96b72cd1d965", "4e1ba91f139761f249a1fa6c71e632dfdbdafeda416176ecadefbb95225e56c4"),
    };

    // Each is fixed in the given version; source: the project's security advisories.
    private static readonly (BuildKitVersion FixedIn, string What)[] Advisories =
    [
        (BuildKitVersion.Parse("v0.28.1"), "CVE-2026-33747 and CVE-2026-33748 are not fixed in it"),
        (BuildKitVersion.Parse("v0.12.5"), "CVE-2024-23650, CVE-2024-23651, CVE-2024-23652 and CVE-2024-23653 are not fixed in it"),
    ];

    /// <summary>
    /// The newest fully known version: its hash is in the table and its protocol was measured. Newer ones in the table are known by hash only.
    /// </summary>
    public static BuildKitVersion Default { get; } = BuildKitVersion.Parse("v0.32.2");

    /// <summary>Every version whose archives are known, newest first.</summary>
    public static IReadOnlyList<BuildKitVersion> Versions { get; } =
        [.. Hashes.Keys.Select(BuildKitVersion.Parse).OrderDescending()];

    /// <summary>The sha256 of a release's archive; null when the table has none.</summary>
    /// <param name="version">The version.</param>
    /// <param name="architecture">amd64 or arm64.</param>
    public static string? Sha256(BuildKitVersion version, string architecture)
        => !Hashes.TryGetValue(version.ToString(), out (string Amd64, string Arm64) hashes) ? null
            : architecture switch { "amd64" => hashes.Amd64, "arm64" => hashes.Arm64, _ => null };

    /// <summary>The known vulnerabilities of a version; empty when there are none.</summary>
    public static IReadOnlyList<string> VulnerabilitiesOf(BuildKitVersion version)
        => [.. Advisories.Where(advisory => version < advisory.FixedIn).Select(advisory => $"{advisory.What}; fixed in {advisory.FixedIn}")];
}
