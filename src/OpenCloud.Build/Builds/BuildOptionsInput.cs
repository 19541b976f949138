using System.Collections;
using System.Globalization;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Builds;

/// <summary>What a user gave for how an image is built and what is said about it, not checked yet.</summary>
internal sealed record BuildOptionsInput
{
    /// <summary>Nothing.</summary>
    public static BuildOptionsInput None { get; } = new();

    /// <summary>Named contexts; directories as full paths.</summary>
    public IReadOnlyDictionary<string, string> NamedContexts { get; init; } = new Dictionary<string, string>();

    /// <summary>Annotations, by keys with their places.</summary>
    public IDictionary? Annotations { get; init; }

    /// <summary>Attestations.</summary>
    public object[]? Attestations { get; init; }

    /// <summary>The scanner's image, or <c>true</c> or <c>false</c>.</summary>
    public string? Sbom { get; init; }

    /// <summary><c>min</c>, <c>max</c>, <c>false</c>, or attributes.</summary>
    public string? Provenance { get; init; }

    /// <summary>The image's time.</summary>
    public DateTimeOffset? SourceDateEpoch { get; init; }

    /// <summary>Whether files in layers get that time.</summary>
    public bool RewriteTimestamp { get; init; }

    /// <summary>Stages to run anew.</summary>
    public IReadOnlyList<string> NoCacheFilter { get; init; } = [];

    /// <summary>The steps' network.</summary>
    public BuildNetwork Network { get; init; }

    /// <summary>Lines of /etc/hosts.</summary>
    public IDictionary? AddHosts { get; init; }

    /// <summary>Bytes of /dev/shm.</summary>
    public long? ShmSize { get; init; }

    /// <summary>Limits.</summary>
    public IDictionary? Ulimits { get; init; }

    /// <summary>The parent of the steps' control groups.</summary>
    public string? CgroupParent { get; init; }

    /// <summary>Entitlements.</summary>
    public IReadOnlyList<string> Allow { get; init; } = [];

    /// <summary>The source policy as JSON.</summary>
    public string? SourcePolicy { get; init; }

    /// <summary>Reads annotations.</summary>
    /// <exception cref="BuildErrorException">One has no place it can stand in.</exception>
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

    /// <summary>Reads attestations; what is named by its own parameter comes last and wins.</summary>
    /// <exception cref="BuildErrorException">One is of no type that engines know.</exception>
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

    /// <summary>Reads how steps are run.</summary>
    /// <exception cref="BuildErrorException">A limit, an address or an entitlement is none.</exception>
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

    /// <summary>Reads the image's time.</summary>
    /// <exception cref="BuildErrorException">Timestamps are to be rewritten to a time that is not given.</exception>
    public SourceDate? ReadSourceDate() => (SourceDateEpoch?.ToUnixTimeSeconds() ?? FromEnvironment()) is { } seconds
        ? new SourceDate(seconds, RewriteTimestamp)
        : RewriteTimestamp ? throw ErrorCatalog.InvalidOption.ToException(null, null, "RewriteTimestamp", "true", "there is no -SourceDateEpoch to rewrite to") : null;

    /// <summary>What $SOURCE_DATE_EPOCH says, as for buildctl and buildx.</summary>
    private static long? FromEnvironment() => Environment.GetEnvironmentVariable(SourceDate.ArgumentName) is not { Length: > 0 } text ? null
        : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long seconds) ? seconds
        : throw ErrorCatalog.InvalidOption.ToException(text, null, nameof(SourceDateEpoch), text, $"${SourceDate.ArgumentName} is not a number of seconds since 1970");

    /// <summary>Reads the source policy.</summary>
    /// <exception cref="BuildErrorException">It is none.</exception>
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
            // The type may stand alone in front: provenance,mode=max.
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
