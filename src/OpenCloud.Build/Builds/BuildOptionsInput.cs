using System.Collections;
using System.Globalization;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Builds;

/// <summary>A user's options for a build and its image, not checked yet.</summary>
internal sealed record BuildOptionsInput
{
    public static BuildOptionsInput None { get; } = new();

    /// <summary>Named contexts; directories as full paths.</summary>
    public IReadOnlyDictionary<string, string> NamedContexts { get; init; } = new Dictionary<string, string>();

    /// <summary>Annotations by key; a key may begin with the levels.</summary>
    public IDictionary? Annotations { get; init; }

    public object[]? Attestations { get; init; }

    /// <summary>The scanner's image, or <c>true</c> or <c>false</c>.</summary>
    public string? Sbom { get; init; }

    /// <summary><c>min</c>, <c>max</c>, <c>false</c>, or attributes.</summary>
    public string? Provenance { get; init; }

    public DateTimeOffset? SourceDateEpoch { get; init; }

    /// <summary>True to apply SourceDateEpoch to files in layers.</summary>
    public bool RewriteTimestamp { get; init; }

    public IReadOnlyList<string> NoCacheFilter { get; init; } = [];

    public BuildNetwork Network { get; init; }

    public IDictionary? AddHosts { get; init; }

    /// <summary>The size of /dev/shm in bytes.</summary>
    public long? ShmSize { get; init; }

    public IDictionary? Ulimits { get; init; }

    public string? CgroupParent { get; init; }

    public IReadOnlyList<string> Allow { get; init; } = [];

    /// <summary>The source policy as JSON.</summary>
    public string? SourcePolicy { get; init; }

    /// <exception cref="BuildErrorException">The key of an annotation is invalid.</exception>
    public IReadOnlyList<ImageAnnotation> ReadAnnotations()
    {
        List<ImageAnnotation> read = [];
        foreach ((string key, string value) in KeyValueArguments.Read("Annotation", Annotations, static _ => ""))
        {
            read.AddRange(ImageAnnotation.TryParse(key, value, out IReadOnlyList<ImageAnnotation>? annotations, out string? error)
                ? annotations
                : throw ErrorCatalog.InvalidOption.ToException(key, null, "Annotation", key, error));
        }

        return read;
    }

    /// <summary>Parses attestations. Those of their own parameters come last and have priority.</summary>
    /// <exception cref="BuildErrorException">An attestation has an unknown type.</exception>
    public IReadOnlyList<ImageAttestation> ReadAttestations()
    {
        Dictionary<string, Dictionary<string, string>> read = new(StringComparer.Ordinal);
        foreach (object? item in UnquotedText.Join(Attestations))
        {
            Dictionary<string, string> attributes = AttributesOf(item ?? "");
            if (!attributes.Remove("type", out string? type) || !ImageAttestation.IsType(type))
            {
                throw ErrorCatalog.InvalidOption.ToException(item, null, "Attest", type ?? item ?? "", "its type is neither provenance nor sbom");
            }

            read[type] = attributes;
        }

        Add(read, ImageAttestation.Provenance, Provenance, "mode");
        Add(read, ImageAttestation.Sbom, Sbom, "generator");
        return [.. read.Where(static a => !(a.Value.TryGetValue("disabled", out string? off) && off == "true")).Select(static a => new ImageAttestation(a.Key, a.Value))];
    }

    /// <exception cref="BuildErrorException">A limit, an address or an entitlement is invalid.</exception>
    public BuildExecution ReadExecution() => new()
    {
        NoCacheStages = NoCacheFilter,
        Network = Network,
        ExtraHosts = ReadHosts(),
        SharedMemorySize = ShmSize is null or > 0 ? ShmSize : throw ErrorCatalog.InvalidOption.ToException(ShmSize, null, "ShmSize", ShmSize, "it is no size"),
        Limits = [.. KeyValueArguments.Read("Ulimit", Ulimits, static _ => "").Select(ReadLimit)],
        ControlGroupParent = string.IsNullOrEmpty(CgroupParent) ? null : CgroupParent,
        Entitlements =
        [
            .. Allow.Select(static a => BuildExecution.IsEntitlement(a)
                ? a
                : throw ErrorCatalog.InvalidOption.ToException(a, null, "Allow", a, "it is no entitlement; there are network.host, security.insecure, device and device=NAME")),
        ],
    };

    /// <exception cref="BuildErrorException">Timestamps are to be rewritten, but no time is given.</exception>
    public SourceDate? ReadSourceDate() => (SourceDateEpoch?.ToUnixTimeSeconds() ?? FromEnvironment()) is { } seconds
        ? new SourceDate(seconds, RewriteTimestamp)
        : RewriteTimestamp ? throw ErrorCatalog.InvalidOption.ToException(null, null, "RewriteTimestamp", "true", "there is no -SourceDateEpoch to rewrite to") : null;

    /// <summary>The value of $SOURCE_DATE_EPOCH, which buildctl and buildx read as well.</summary>
    private static long? FromEnvironment() => Environment.GetEnvironmentVariable(SourceDate.ArgumentName) is not { Length: > 0 } text ? null
        : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long seconds) ? seconds
        : throw ErrorCatalog.InvalidOption.ToException(text, null, nameof(SourceDateEpoch), text, $"${SourceDate.ArgumentName} is not a number of seconds since 1970");

    /// <exception cref="BuildErrorException">The policy is invalid.</exception>
    public SourcePolicy? ReadSourcePolicy()
    {
        try
        {
            return SourcePolicy is null ? null : Client.Inputs.SourcePolicy.Parse(SourcePolicy);
        }
        catch (FormatException exception)
        {
            throw ErrorCatalog.InvalidOption.ToException(null, exception, "SourcePolicy", "the policy", exception.Message);
        }
    }

    private static ResourceLimit ReadLimit(KeyValuePair<string, string> limit) =>
        ResourceLimit.TryParse($"{limit.Key}={limit.Value}", out ResourceLimit? read, out string? error)
            ? read
            : throw ErrorCatalog.InvalidOption.ToException(limit.Key, null, "Ulimit", $"{limit.Key}={limit.Value}", error);

    private static Dictionary<string, string> AttributesOf(object item)
    {
        if (item is IDictionary dictionary)
        {
            return new Dictionary<string, string>(KeyValueArguments.Read("Attest", dictionary, static _ => ""), StringComparer.Ordinal);
        }

        string text = Convert.ToString(item, CultureInfo.InvariantCulture) ?? "";
        string first = text.Split(',', 2)[0].Trim();
        try
        {
            // The type may come first without a key: provenance,mode=max.
            return AttributeText.Parse(ImageAttestation.IsType(first) ? "type=" + text : text, "attestation");
        }
        catch (FormatException exception)
        {
            throw ErrorCatalog.InvalidOption.ToException(item, exception, "Attest", text, exception.Message.TrimEnd('.'));
        }
    }

    private static void Add(Dictionary<string, Dictionary<string, string>> read, string type, string? value, string attribute)
    {
        switch (value?.ToLowerInvariant())
        {
            case null or "":
                break;
            case "false":
                read.Remove(type);
                break;
            case "true":
                read[type] = [];
                break;
            default:
                read[type] = value.Contains('=', StringComparison.Ordinal) ? AttributesOf(value) : new Dictionary<string, string> { [attribute] = value };
                break;
        }
    }

    private List<ExtraHost> ReadHosts()
    {
        List<ExtraHost> hosts = [];
        foreach (string text in HostArguments.Read(AddHosts))
        {
            try
            {
                hosts.Add(ExtraHost.Parse(text));
            }
            catch (FormatException exception)
            {
                throw ErrorCatalog.InvalidOption.ToException(text, exception, "AddHost", text, "it is not a host name and an IP address");
            }
        }

        return hosts;
    }
}
