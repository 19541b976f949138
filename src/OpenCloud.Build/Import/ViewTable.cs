using System.Collections;
using System.Reflection;

namespace OpenCloud.Build.Import;

/// <summary>The views in PowerShell's database of a runspace, each with the file that it is from.</summary>
internal sealed class ViewTable
{
    private const BindingFlags Hidden = BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public;

    private readonly IList _views;
    private readonly FieldInfo _origin;
    private readonly FieldInfo _file;

    private ViewTable(IList views, FieldInfo origin, FieldInfo file)
    {
        _views = views;
        _origin = origin;
        _file = file;
    }

    public int Count => _views.Count;

    /// <summary>Null where this PowerShell has another database.</summary>
    public static ViewTable? Find(object? database)
    {
        object? section = database?.GetType().GetField("viewDefinitionsSection", Hidden)?.GetValue(database);
        return section?.GetType().GetField("viewDefinitionList", Hidden)?.GetValue(section) is IList views
            && views.GetType().GenericTypeArguments is [Type view]
            && view.GetField("loadingInfo", Hidden) is { } origin
            && origin.FieldType.GetField("filePath", Hidden) is { } file && file.FieldType == typeof(string)
                ? new ViewTable(views, origin, file)
                : null;
    }

    public bool Has(string file)
    {
        for (int i = _views.Count - 1; i >= 0; i--)
        {
            if (GetFile(i) == file)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Removes the views of other copies of the module: PowerShell takes the first view of a type.</summary>
    public void RemoveCopies(string[] files)
    {
        for (int i = _views.Count - 1; i >= 0; i--)
        {
            if (ViewFiles.IsCopy(GetFile(i), files))
            {
                _views.RemoveAt(i);
            }
        }
    }

    /// <summary>Sets the file of a view that did not come from one.</summary>
    public void SetFile(int index, string file)
    {
        if (_origin.GetValue(_views[index]) is { } origin)
        {
            _file.SetValue(origin, file);
        }
    }

    private string? GetFile(int index) => _origin.GetValue(_views[index]) is { } origin ? (string?)_file.GetValue(origin) : null;
}
