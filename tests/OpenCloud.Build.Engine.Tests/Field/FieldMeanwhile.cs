using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Field;

/// <summary>Changes a context for as long as it is there.</summary>
internal sealed class FieldMeanwhile : IAsyncDisposable
{
    private const int LogSize = 50_000;

    private readonly CancellationTokenSource _stop = new();
    private readonly Task _work;

    public FieldMeanwhile(FieldChange? change, ContextFolder context) =>
        _work = change is null ? Task.CompletedTask : Task.Run(() => Work(change, context));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _work;
        _stop.Dispose();
    }

    private void Work(FieldChange change, ContextFolder context)
    {
        byte[] log = new byte[LogSize];
        for (int i = 0; !_stop.IsCancellationRequested; i++)
        {
            if (change.Churn is { } folder)
            {
                string path = context.At($"{folder}/tmp{i % 7}");
                Directory.CreateDirectory(context.At(folder));
                File.WriteAllText(path, "for a moment");
                Thread.Yield();
                File.Delete(path);
            }

            if (change.Truncate is { } file)
            {
                File.WriteAllBytes(context.At(file), log);
                using FileStream cut = new(context.At(file), FileMode.Truncate);
            }

            if (change.Folders is { } parent)
            {
                string made = context.At($"{parent}/d{i % 5}");
                Directory.CreateDirectory(Path.Combine(made, "deep"));
                File.WriteAllText(Path.Combine(made, "deep", "file"), "for a moment");
                Thread.Yield();
                Directory.Delete(made, recursive: true);
            }
        }
    }
}
