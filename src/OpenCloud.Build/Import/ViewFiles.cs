using System.Management.Automation.Runspaces;

namespace OpenCloud.Build.Import;

/// <summary>The module's format files in the state of a session, from which PowerShell loads all views again.</summary>
/// <remarks>The runspaces of a pool share one state.</remarks>
internal static class ViewFiles
{
    public static bool Has(InitialSessionState state, string file)
    {
        for (int i = 0; i < state.Formats.Count; i++)
        {
            if (state.Formats[i].FileName == file)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Removes the files of other copies of the module.</summary>
    public static void RemoveCopies(InitialSessionState state, string[] files)
    {
        for (int i = state.Formats.Count - 1; i >= 0; i--)
        {
            if (IsCopy(state.Formats[i].FileName, files))
            {
                state.Formats.RemoveItem(i);
            }
        }
    }

    /// <summary>Whether a file has the name of one of these, in another folder.</summary>
    public static bool IsCopy(string? file, string[] files)
    {
        foreach (string own in files)
        {
            if (file is not null && file != own && Path.GetFileName(file) == Path.GetFileName(own))
            {
                return true;
            }
        }

        return false;
    }
}
