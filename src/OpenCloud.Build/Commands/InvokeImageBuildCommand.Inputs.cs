using System.Collections;
using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Builds;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Completion;

namespace OpenCloud.Build.Commands;

// The parameters for further inputs, for running steps, and for metadata of the image.
public sealed partial class InvokeImageBuildCommand
{
    private readonly List<CheckedBuild> _queued = [];

    /// <summary>More contexts by name.</summary>
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

    /// <summary>Documents about the image that the engine attaches.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(AttestationCompleter))]
    public object[]? Attest { get; set; }

    /// <summary>The list of what is in the image.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(NoCompleter))]
    public string? Sbom { get; set; }

    /// <summary>The account of how the image was built.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(ProvenanceCompleter))]
    public string? Provenance { get; set; }

    /// <summary>The time the image gives.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [EmptyCellTransform]
    [EpochTransform]
    [ArgumentCompleter(typeof(NoCompleter))]
    public DateTimeOffset? SourceDateEpoch { get; set; }

    /// <summary>Gives files in layers that time, too.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [SwitchCellTransform]
    public SwitchParameter RewriteTimestamp { get; set; }

    /// <summary>The file that takes what the engine tells of the image.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public string? MetadataFile { get; set; }

    /// <summary>The file that takes the image's id.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public string? IidFile { get; set; }

    /// <summary>Stages to run anew.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(DockerfileStageCompleter))]
    public string[]? NoCacheFilter { get; set; }

    /// <summary>The network of steps.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [EnumCellTransform]
    public BuildNetwork Network { get; set; }

    /// <summary>Lines for the steps' /etc/hosts.</summary>
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

    /// <summary>Limits of the steps' processes.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [KeyValueTransform]
    [ArgumentCompleter(typeof(NoCompleter))]
    public IDictionary? Ulimit { get; set; }

    /// <summary>The parent of the steps' control groups.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(NoCompleter))]
    public string? CgroupParent { get; set; }

    /// <summary>What the build may be granted.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(EntitlementCompleter))]
    public string[]? Allow { get; set; }

    /// <summary>Rules on what the build may take from where.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public object? SourcePolicy { get; set; }

    /// <summary>How many builds go on at the same time.</summary>
    [Parameter]
    [ValidateRange(1, 256)]
    [ArgumentCompleter(typeof(NoCompleter))]
    public int ThrottleLimit { get; set; } = 1;

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        if (_queued.Count > 0)
        {
            RunAsync((poster, cancellationToken) =>
            {
                _poster = poster;
                return ParallelBuilds.RunAsync(_builder!, _queued, ThrottleLimit, poster, cancellationToken);
            });
        }
    }
}
