# What the changelog says of a version, and whether it was released: it was when the changelog has a section with its number.
function Get-ReleaseNote([string] $Changelog, [string] $Version) {
    # A section ends where the next one begins.
    $sections = [regex]::Split([IO.File]::ReadAllText($Changelog), '(?m)^(?=## \[)')
    $own = @($sections | Where-Object { $_.StartsWith("## [$Version]") })
    $text = $own ? $own[0] : @($sections | Where-Object { $_.StartsWith('## [Unreleased]') })[0]
    $text = ($text -replace '(?m)\A## .*$').Trim()
    # NuGet takes 35,000 characters.
    $limit = 30000
    if ($text.Length -gt $limit) {
        $text = $text.Substring(0, $text.LastIndexOf("`n- ", $limit)) + "`n`nThe rest is in CHANGELOG.md."
    }
    [pscustomobject] @{ IsReleased = [bool] $own; Text = $text }
}
