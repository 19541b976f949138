# An archive that is the same bytes for the same files: sorted entries, one time, one mode.
function Write-FixedArchive([string] $Path, [Collections.IDictionary] $Entries, [DateTimeOffset] $Time) {
    $names = [string[]] $Entries.Keys
    [Array]::Sort($names, [StringComparer]::Ordinal)
    $partial = "$Path.partial"
    $archive = [IO.Compression.ZipArchive]::new([IO.File]::Create($partial), [IO.Compression.ZipArchiveMode]::Create)
    try {
        foreach ($name in $names) {
            $entry = $archive.CreateEntry($name, [IO.Compression.CompressionLevel]::Optimal)
            $entry.LastWriteTime = $Time
            # A regular file of mode 0644, in Unix's half of the attributes.
            $entry.ExternalAttributes = 0x81A4 -shl 16
            $content = $Entries[$name]
            $stream = $entry.Open()
            try {
                if ($content -isnot [byte[]]) {
                    $content = [IO.File]::ReadAllBytes($content.FullName)
                }
                $stream.Write($content, 0, $content.Length)
            }
            finally {
                $stream.Dispose()
            }
        }
    }
    finally {
        $archive.Dispose()
    }
    [IO.File]::Move($partial, $Path, $true)
}

# The files below a folder by their names in an archive.
function Get-ArchiveEntry([string] $Folder, [string] $Prefix = '') {
    $entries = @{}
    foreach ($file in Get-ChildItem $Folder -Recurse -File -Force) {
        $entries[$Prefix + [IO.Path]::GetRelativePath($Folder, $file.FullName)] = $file
    }
    $entries
}
