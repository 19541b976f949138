using System.Management.Automation;
using OpenCloud.Build.Client.Containers;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Commands;

/// <summary>Lists the engines that run as containers.</summary>
[Cmdlet(VerbsCommon.Get, "BuildKitContainer")]
[OutputType(typeof(BuildKitContainer))]
public sealed class GetBuildKitContainerCommand : ContainerCmdlet
{
    /// <summary>The names.</summary>
    [Parameter(Position = 0)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(BuildKitContainerNameCompleter))]
    public string[]? Name { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Guard(Name, () =>
    {
        BuildKitContainers containers = Containers();
        string[] names = [.. (Name ?? []).Where(static n => n.Length > 0)];
        RunAsync(async (poster, cancellationToken) =>
        {
            IReadOnlyList<BuildKitContainer> all = await containers.ListAsync(cancellationToken).ConfigureAwait(false);
            List<(string Text, WildcardPattern Pattern)> wanted = [.. names.Select(static n => (n, WildcardPattern.Get(n, WildcardOptions.IgnoreCase)))];
            foreach (BuildKitContainer container in all.Where(c => wanted.Count == 0 || wanted.Exists(w => w.Pattern.IsMatch(c.Name))))
            {
                poster.Output(WithVsock(container));
            }

            foreach ((string text, WildcardPattern pattern) in wanted.Where(static w => !WildcardPattern.ContainsWildcardCharacters(w.Text)))
            {
                if (!all.Any(c => pattern.IsMatch(c.Name)))
                {
                    poster.Error(ErrorCatalog.BuildKitContainerNotFound.ToRecord(text, null, $"There is no container '{text}' with an engine in {containers.Store}."));
                }
            }
        });
    });
}
