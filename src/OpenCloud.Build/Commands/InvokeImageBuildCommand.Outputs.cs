using System.Collections;
using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Completion;

namespace OpenCloud.Build.Commands;

/// <content>The parameters for outputs, caches, secrets, SSH agents and registries.</content>
public sealed partial class InvokeImageBuildCommand
{
    private const int NamesShown = 5;

    /// <summary>The outputs of the build.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [Alias("o")]
    [ArgumentCompleter(typeof(OutputCompleter))]
    public object[]? Output { get; set; }

    /// <summary>Pushes the image.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [SwitchCellTransform]
    public SwitchParameter Push { get; set; }

    /// <summary>Caches to import.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(CacheCompleter))]
    public object[]? CacheFrom { get; set; }

    /// <summary>Caches to export.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(CacheCompleter))]
    public object[]? CacheTo { get; set; }

    /// <summary>Secrets by id.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [SecretTransform]
    [ArgumentCompleter(typeof(DockerfileInputCompleter))]
    public IDictionary? Secret { get; set; }

    /// <summary>SSH agents.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(DockerfileInputCompleter))]
    public object[]? Ssh { get; set; }

    /// <summary>Credentials by registry.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [EmptyCellTransform]
    [ArgumentCompleter(typeof(NoCompleter))]
    public IDictionary? RegistryCredential { get; set; }

    /// <summary>Registries whose docker credentials the engine may get although the build does not name them.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(NoCompleter))]
    public string[]? RegistryHost { get; set; }

    /// <summary>Asks on the pipeline's thread while the build waits.</summary>
    private bool ConfirmDelete(string directory, IReadOnlyList<string> paths)
    {
        string names = string.Join(", ", paths.Take(NamesShown)) + (paths.Count > NamesShown ? ", …" : "");
        return Poster?.InvokeAsync(() => ShouldProcess(directory, $"Delete {paths.Count} entries that are not in the build output ({names})")).GetAwaiter().GetResult() == true;
    }
}
