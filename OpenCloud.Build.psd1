@{
    # The first one loads the cmdlets' assembly into a load context of its own, and has PowerShell take it for the second one.
    NestedModules        = @('OpenCloud.Build.Loader.dll', 'OpenCloud.Build.dll')
    ModuleVersion        = '0.1.0'
    GUID                 = '43c3830f-dd3f-476c-8417-254dff3d137a'
    Author               = 'the OpenCloud.Build authors'
    CompanyName          = 'OpenCloud'
    Copyright            = 'Copyright (c) 2026 the OpenCloud.Build authors. MIT License.'
    Description          = 'Builds container images with BuildKit, straight over its gRPC API, and makes a Linux machine able to build them.'

    PowerShellVersion    = '7.6'
    CompatiblePSEditions = @('Core')

    FunctionsToExport    = @()
    VariablesToExport    = @()
    CmdletsToExport      = @(
        'Add-ContainerImageTag'
        'Clear-BuildCache'
        'Connect-ContainerRegistry'
        'Copy-ContainerImage'
        'Disconnect-ContainerRegistry'
        'Export-BuildHistory'
        'Export-ContainerImage'
        'Get-BuildCache'
        'Get-BuildDefinition'
        'Get-BuildHistory'
        'Get-BuildKitContainer'
        'Get-BuildKitDeployment'
        'Get-BuildKitEngine'
        'Get-BuildKitInfo'
        'Get-BuildKitInstallation'
        'Get-BuildKitWorker'
        'Get-BuildLog'
        'Get-ContainerImage'
        'Get-ContainerImageAttestation'
        'Get-ContainerImageVulnerability'
        'Get-DockerfileOutline'
        'Get-DockerfileTarget'
        'Grant-BuildKitAccess'
        'Import-ContainerImage'
        'Install-BuildKit'
        'Invoke-ImageBuild'
        'New-BuildKitCertificate'
        'New-BuildKitContainer'
        'New-BuildKitDeployment'
        'New-ContainerImageIndex'
        'Receive-ContainerImage'
        'Register-BuildKitEngine'
        'Remove-BuildHistory'
        'Remove-BuildKitContainer'
        'Remove-BuildKitDeployment'
        'Remove-ContainerImage'
        'Revoke-BuildKitAccess'
        'Send-ContainerImage'
        'Set-BuildKitDeployment'
        'Set-BuildKitEngine'
        'Test-BuildKitSocket'
        'Test-Dockerfile'
        'Uninstall-BuildKit'
        'Unregister-BuildKitEngine'
        'Update-BuildKit'
        'Update-BuildKitContainer'
        'Wait-BuildKit'
    )
    AliasesToExport      = @(
        'Build-ContainerImage'
        'Pull-ContainerImage'
        'Push-ContainerImage'
    )

    PrivateData          = @{
        PSData = @{
            Tags       = @('PSEdition_Core', 'Linux', 'BuildKit', 'Container', 'Docker', 'containerd', 'OCI', 'Image', 'Dockerfile', 'Build')
            LicenseUri = 'https://opensource.org/license/mit'
        }
    }
}
