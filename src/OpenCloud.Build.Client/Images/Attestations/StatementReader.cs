using System.Text;
using System.Text.Json;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Images.Attestations;

/// <summary>Reads in-toto statements. Missing or malformed fields count as empty: statements are shown, not validated.</summary>
/// <remarks>in-toto/attestation, spec/v1 (Statement); slsa.dev, provenance v0.2 and v1; spdx.github.io, SPDX 2.3 (documents as JSON).</remarks>
internal static class StatementReader
{
    private const int MaxItems = 100_000;

    public static ContainerImageAttestation Read(ReadOnlyMemory<byte> json, ContainerImageAttestation attestation, string what) => OciJson.Read(json, what, root =>
    {
        string stated = LenientJson.Text(root, "predicateType");
        string type = stated.Length > 0 ? stated : attestation.PredicateType;

        // The build history stores only the predicate, and its type separately.
        JsonElement predicate = LenientJson.Object(root, "predicate");
        JsonElement content = predicate.ValueKind == JsonValueKind.Undefined && stated.Length == 0 && type.Length > 0 ? root : predicate;
        ContainerImageAttestation read = attestation with { PredicateType = type, Kind = KindOf(type), Statement = Encoding.UTF8.GetString(json.Span) };
        return content.ValueKind == JsonValueKind.Undefined ? read : read.Kind switch
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
        Builder = LenientJson.Text(LenientJson.Object(predicate, "builder"), "id"),
        BuildType = LenientJson.Text(predicate, "buildType"),
        Started = LenientJson.Time(LenientJson.Object(predicate, "metadata"), "buildStartedOn"),
        Materials = [.. Items(predicate, "materials").Select(static m => LenientJson.Text(m, "uri")).Where(static t => t.Length > 0)],
    };

    private static ContainerImageAttestation ReadProvenance1(JsonElement predicate, ContainerImageAttestation attestation)
    {
        JsonElement definition = LenientJson.Object(predicate, "buildDefinition");
        JsonElement run = LenientJson.Object(predicate, "runDetails");
        return attestation with
        {
            Format = "SLSA 1",
            Builder = LenientJson.Text(LenientJson.Object(run, "builder"), "id"),
            BuildType = LenientJson.Text(definition, "buildType"),
            Started = LenientJson.Time(LenientJson.Object(run, "metadata"), "startedOn"),
            Materials = [.. Items(definition, "resolvedDependencies").Select(static m => LenientJson.Text(m, "uri")).Where(static t => t.Length > 0)],
        };
    }

    private static ContainerImageAttestation ReadSbom(JsonElement predicate, ContainerImageAttestation attestation) => attestation with
    {
        Format = LenientJson.Text(predicate, "spdxVersion") is { Length: > 0 } spdx ? spdx : LenientJson.Text(predicate, "bomFormat") is { Length: > 0 } form ? $"{form} {LenientJson.Text(predicate, "specVersion")}" : string.Empty,
        Packages = [.. Items(predicate, "packages").Select(static p => $"{LenientJson.Text(p, "name")} {LenientJson.Text(p, "versionInfo")}".Trim())
            .Concat(Items(predicate, "components").Select(static p => $"{LenientJson.Text(p, "name")} {LenientJson.Text(p, "version")}".Trim())).Where(static t => t.Length > 0)],
    };

    private static IEnumerable<JsonElement> Items(JsonElement parent, string name) => LenientJson.Items(parent, name).Take(MaxItems);
}
