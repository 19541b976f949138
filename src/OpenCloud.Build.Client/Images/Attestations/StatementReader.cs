using System.Text;
using System.Text.Json;
using OpenCloud.Build.Client.Images.Oci;

namespace OpenCloud.Build.Client.Images.Attestations;

/// <summary>Reads in-toto statements. Missing or malformed fields count as empty: statements are shown, not validated.</summary>
/// <remarks>in-toto/attestation, spec/v1 (Statement); slsa.dev, provenance v0.2 and v1; spdx.github.io, SPDX 2.3 (documents as JSON).</remarks>
internal static class StatementReader
{
    private const int MaxItems = 100_000;

    public static ContainerImageAttestation Read(ReadOnlyMemory<byte> json, ContainerImageAttestation attestation, string what) => OciJson.Read(json, what, root =>
    {
        string stated = Text(root, "predicateType");
        string type = stated.Length > 0 ? stated : attestation.PredicateType;

        // The build history stores only the predicate, and its type separately.
        JsonElement? predicate = Find(root, "predicate") ?? (stated.Length == 0 && type.Length > 0 ? root : null);
        ContainerImageAttestation read = attestation with { PredicateType = type, Kind = KindOf(type), Statement = Encoding.UTF8.GetString(json.Span) };
        return predicate is not { } content ? read : read.Kind switch
        {
            AttestationKind.Provenance => type.EndsWith("/v0.2", StringComparison.Ordinal) ? ReadProvenance02(content, read) : ReadProvenance1(content, read),
            AttestationKind.Sbom => ReadSbom(content, read),
            _ => read,
        };
    });

    public static AttestationKind KindOf(string predicateType) =>
        predicateType.StartsWith("https://slsa.dev/provenance/", StringComparison.Ordinal) ? AttestationKind.Provenance
        : predicateType.StartsWith("https://spdx.dev/Document", StringComparison.Ordinal) || predicateType.StartsWith("https://cyclonedx.org/", StringComparison.Ordinal) ? AttestationKind.Sbom
        : AttestationKind.Other;

    private static ContainerImageAttestation ReadProvenance02(JsonElement predicate, ContainerImageAttestation attestation) => attestation with
    {
        Format = "SLSA 0.2",
        Builder = Find(predicate, "builder") is { } builder ? Text(builder, "id") : string.Empty,
        BuildType = Text(predicate, "buildType"),
        Started = Find(predicate, "metadata") is { } metadata ? OciJson.GetTime(metadata, "buildStartedOn") : null,
        Materials = [.. Items(predicate, "materials").Select(static m => Text(m, "uri")).Where(static t => t.Length > 0)],
    };

    private static ContainerImageAttestation ReadProvenance1(JsonElement predicate, ContainerImageAttestation attestation)
    {
        JsonElement? definition = Find(predicate, "buildDefinition");
        JsonElement? run = Find(predicate, "runDetails");
        return attestation with
        {
            Format = "SLSA 1",
            Builder = run is { } details && Find(details, "builder") is { } builder ? Text(builder, "id") : string.Empty,
            BuildType = definition is { } build ? Text(build, "buildType") : string.Empty,
            Started = run is { } ran && Find(ran, "metadata") is { } metadata ? OciJson.GetTime(metadata, "startedOn") : null,
            Materials = definition is { } of ? [.. Items(of, "resolvedDependencies").Select(static m => Text(m, "uri")).Where(static t => t.Length > 0)] : [],
        };
    }

    private static ContainerImageAttestation ReadSbom(JsonElement predicate, ContainerImageAttestation attestation) => attestation with
    {
        Format = Text(predicate, "spdxVersion") is { Length: > 0 } spdx ? spdx : Text(predicate, "bomFormat") is { Length: > 0 } form ? $"{form} {Text(predicate, "specVersion")}" : string.Empty,
        Packages = [.. Items(predicate, "packages").Select(static p => $"{Text(p, "name")} {Text(p, "versionInfo")}".Trim())
            .Concat(Items(predicate, "components").Select(static p => $"{Text(p, "name")} {Text(p, "version")}".Trim())).Where(static t => t.Length > 0)],
    };

    private static JsonElement? Find(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Object ? value : null;

    private static string Text(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : string.Empty;

    private static IEnumerable<JsonElement> Items(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().Take(MaxItems) : [];
}
