using OpenCloud.Build.Builds;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Hosts;
using OpenCloud.Build.Nodes;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.Commands;

/// <content>What runs when all input is known: parallel builds, and the definitions as one set.</content>
public sealed partial class InvokeImageBuildCommand
{
    private readonly List<CheckedBuild> _queued = [];
    private readonly List<(string Name, CheckedBuild? Build)> _definitions = [];

    // The name of the definition that is read; null for any other input.
    private string? _definition;

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        if (_queued.Count > 0)
        {
            RunAsync((poster, cancellationToken) => ParallelBuilds.RunAsync(_builder!, _queued, ThrottleLimit, poster, cancellationToken));
        }

        if (_definitions.Count > 0)
        {
            Guard(_definitions[0].Name, () => BuildSet(new BuildSetPlan(_definitions)));
        }
    }

    private void BuildSet(BuildSetPlan plan)
    {
        WriteErrors(plan.Check());
        foreach (int node in plan.Graph.Order)
        {
            if (plan[node] is { } build && !ShouldProcess($"{TerminalText.Name(plan.NameOf(node))} ({ContextLocation.WithoutSecrets(build.Request.ContextPath)})", BuildPlan.Describe(build, Daemonless)) && !IsPlanOnly)
            {
                WriteErrors(plan.Fail(node, "was declined").Select(static f => f.Error));
            }
        }

        if (IsPlanOnly || plan.Graph.IsDone)
        {
            return;
        }

        IImageBuilder builder = _builder ??= ImageBuilders.Create();
        if (Daemonless)
        {
            RunAsync(
                (poster, cancellationToken) => DaemonlessBuild.RunAsync(
                    builder,
                    address =>
                    {
                        plan.Join(build => Reported(build) with { Address = address });
                        return BuildAllAsync(poster, cancellationToken);
                    },
                    poster,
                    cancellationToken),
                DaemonlessBuild.StopGrace);
            return;
        }

        plan.Join(Reported);
        RunAsync(BuildAllAsync);

        CheckedBuild Reported(CheckedBuild build) => build with { Reporting = build.Reporting with { HasSeveral = plan.Count > 1 } };

        Task BuildAllAsync(IPipelinePoster poster, CancellationToken cancellationToken) => SetBuilds.RunAsync(builder, plan, ThrottleLimit, poster, cancellationToken);
    }

    private void WriteErrors(IEnumerable<BuildErrorException> errors)
    {
        foreach (BuildErrorException error in errors)
        {
            WriteError(error.ToRecord());
        }
    }
}
