using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Records;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Images;

namespace OpenCloud.Build.Commands;

/// <summary>Writes builds of an engine's history to a file.</summary>
[Cmdlet(VerbsData.Export, "BuildHistory", SupportsShouldProcess = true)]
[OutputType(typeof(FileInfo), typeof(DirectoryInfo))]
public sealed class ExportBuildHistoryCommand : BuildHistoryCmdlet
{
    private readonly List<string> _references = [];
    private string? _address;

    /// <summary>The ids of builds.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(BuildRefCompleter))]
    [TextTransform("Ref")]
    public string[] Ref { get; set; } = [];

    /// <summary>The file or directory to write.</summary>
    [Parameter(Mandatory = true, Position = 1)]
    [Alias("OutFile")]
    public string Destination { get; set; } = string.Empty;

    /// <summary>What to write.</summary>
    [Parameter]
    public ImageArchiveFormat Format { get; set; } = ImageArchiveFormat.Tar;

    /// <summary>Overwrites an existing file.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (_references.Count > 0 && _address != Address)
        {
            WriteError(ErrorCatalog.ParameterConflict, Ref, null, nameof(Ref), "Destination (the builds are on several engines)");
            return;
        }

        _address = Address;
        _references.AddRange(Ref);
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        if (_references.Count == 0)
        {
            return;
        }

        Address = _address;
        Guard(Destination, () =>
        {
            string path = DirectoryArguments.ResolveLiteral(this, Destination);
            bool isWritten = false;
            NewFile file = NewFile.Prepare(path, Format == ImageArchiveFormat.Directory, Force);
            OnEngine(Destination, async (engine, poster, cancellationToken) =>
            {
                BuildHistory history = engine.History;
                List<string> found = [];
                foreach (string reference in _references.Distinct(StringComparer.Ordinal))
                {
                    foreach (BuildRecord record in await FindAllAsync(history, reference, cancellationToken).ConfigureAwait(false))
                    {
                        found.Add(record.Status != BuildRecordStatus.Running ? record.Ref : throw ErrorCatalog.BuildIsRunning.ToException(reference, null, record.Ref));
                    }
                }

                if (found.Count == 0)
                {
                    throw ErrorCatalog.BuildNotFound.ToException(Destination, null, string.Join(", ", _references), history.Engine);
                }

                if (!await poster.InvokeAsync(() => ShouldProcess(path, $"Write {(found.Count == 1 ? "the build" : $"{found.Count} builds")} {string.Join(", ", found)} of {history.Engine}")).ConfigureAwait(false))
                {
                    return;
                }

                try
                {
                    await file.WriteAsync(output => history.ExportAsync(found, output, cancellationToken), cancellationToken).ConfigureAwait(false);
                    isWritten = true;
                }
                catch (OciFormatException exception)
                {
                    throw ErrorCatalog.ImageDamaged.ToException(path, exception, exception.Message);
                }
            });
            if (isWritten)
            {
                WriteItem(path);
            }
        });
    }
}
