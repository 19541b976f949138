using System.Collections;
using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Completion;

namespace OpenCloud.Build.Commands;

// The parameters for further inputs, for running steps, and for metadata of the image.
public sealed partial class InvokeImageBuildCommand
{
    /// <summary>Named contexts.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [KeyValueTransform]
    [ArgumentCompleter(typeof(DockerfileInputCompleter))]
    public IDictionary? BuildContext { get; set; }

    /// <summary>Fails when the directory changes while it is sent.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [SwitchCellTransform]
    public SwitchParameter StrictContext { get; set; }

    /// <summary>Annotations of the image's documents.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [KeyValueTransform]
    [ArgumentCompleter(typeof(NoCompleter))]
    public IDictionary? Annotation { get; set; }

    /// <summary>Attestations that the engine attaches.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(AttestationCompleter))]
    public object[]? Attest { get; set; }

    /// <summary>The list of the image's contents (SBOM).</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(NoCompleter))]
    public string? Sbom { get; set; }

    /// <summary>The record of how the image was built (provenance).</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(ProvenanceCompleter))]
    public string? Provenance { get; set; }

    /// <summary>The timestamp of the image.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [EmptyCellTransform]
    [EpochTransform]
    [ArgumentCompleter(typeof(NoCompleter))]
    public DateTimeOffset? SourceDateEpoch { get; set; }

    /// <summary>Applies the timestamp to files in layers, too.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [SwitchCellTransform]
    public SwitchParameter RewriteTimestamp { get; set; }

    /// <summary>The file for the engine's metadata of the image.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public string? MetadataFile { get; set; }

    /// <summary>The file for the image's id.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public string? IidFile { get; set; }

    /// <summary>Stages to run without the cache.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(DockerfileStageCompleter))]
    public string[]? NoCacheFilter { get; set; }

    /// <summary>The network of steps.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [EnumCellTransform]
    public BuildNetwork Network { get; set; }

    /// <summary>Entries for the steps' /etc/hosts.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [HostTransform]
    [ArgumentCompleter(typeof(NoCompleter))]
    public IDictionary? AddHost { get; set; }

    /// <summary>The size of the steps' /dev/shm.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [EmptyCellTransform]
    [SizeTransform]
    [ArgumentCompleter(typeof(SizeCompleter))]
    public long? ShmSize { get; set; }

    /// <summary>Resource limits of the steps' processes.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [KeyValueTransform]
    [ArgumentCompleter(typeof(NoCompleter))]
    public IDictionary? Ulimit { get; set; }

    /// <summary>The parent cgroup of the steps.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(NoCompleter))]
    public string? CgroupParent { get; set; }

    /// <summary>Entitlements of the build.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(EntitlementCompleter))]
    public string[]? Allow { get; set; }

    /// <summary>The policy for the build's sources.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public object? SourcePolicy { get; set; }

    /// <summary>The number of concurrent builds.</summary>
    [Parameter]
    [ValidateRange(1, 256)]
    [ArgumentCompleter(typeof(NoCompleter))]
    public int ThrottleLimit { get; set; } = 1;
}
