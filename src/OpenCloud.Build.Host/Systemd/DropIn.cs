using OpenCloud.Build.Host.Files;

namespace OpenCloud.Build.Host.Systemd;

/// <summary>A drop-in of a system's unit (systemd.unit(5)).</summary>
internal static class DropIn
{
    /// <summary>Writes the drop-in, and has systemd read it; where that fails, the drop-in is as it was before.</summary>
    public static void Write(string path, string text)
    {
        string? before = BoundedFile.TryReadText(path, OwnedText.Limit);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        try
        {
            WholeFile.Write(path, text, FileModes.Readable);
            Systemctl.Reload();
        }
        catch
        {
            if (before is null)
            {
                Remove(path);
            }
            else
            {
                WholeFile.Write(path, before, FileModes.Readable);
            }

            throw;
        }
    }

    /// <summary>Removes the drop-in, and its folder when that is empty.</summary>
    public static void Remove(string path)
    {
        WholeFile.Remove(path);
        TreeRemoval.RemoveIfEmpty(Path.GetDirectoryName(path)!);
        Systemctl.TryReload();
    }
}
