using System.IO.Compression;
using System.Text;
using CliWrap;
using CliWrap.Buffered;
using Xunit;

namespace Konstruct.Tests.Aspire;

/// <summary>
/// A fresh clone in small: our build files, a program that says whether it was built with Aspire, a solution around it,
/// a folder that plays the NuGet feed, and a package cache of its own. Nothing of it touches the network or the user's cache.
/// </summary>
internal sealed class FeedSandbox : IDisposable
{
    /// <summary>Loopback, and nobody listens: a feed that is down.</summary>
    public const string DeadFeed = "https://127.0.0.1:1/v3/index.json";

    private readonly string _folder = Directory.CreateTempSubdirectory("konstruct-feed-").FullName;

    public FeedSandbox()
    {
        foreach (var file in (string[])["Directory.Build.props", "Directory.Packages.props", "Directory.Solution.targets", "global.json", "eng/Aspire.targets"])
            Write($"clone/{file}", File.ReadAllText(SourceTree.Path(file)));
        Write("clone/Program/Program.csproj", """
            <Project Sdk="Microsoft.NET.Sdk">
              <Import Project="Sdk.props" Sdk="Aspire.AppHost.Sdk" Version="$(AspireVersion)" Condition="'$(UseAspire)' == 'true'" />
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <UseAppHost>false</UseAppHost>
              </PropertyGroup>
              <ItemGroup Condition="'$(UseAspire)' == 'true'">
                <PackageReference Include="Aspire.Hosting.AppHost" />
              </ItemGroup>
              <Import Project="Sdk.targets" Sdk="Aspire.AppHost.Sdk" Version="$(AspireVersion)" Condition="'$(UseAspire)' == 'true'" />
            </Project>
            """);
        Write("clone/Program/Program.cs", """
            #if ASPIRE
            System.Console.WriteLine("with");
            #else
            System.Console.WriteLine("without");
            #endif
            """);
        Write("clone/Sandbox.sln", """

            Microsoft Visual Studio Solution File, Format Version 12.00
            Project("{9A19103F-16F7-4668-BE54-9A1E7A4F7556}") = "Program", "Program\Program.csproj", "{0D3C1A52-0F5C-4B7E-9C66-6D1E7B8F2A10}"
            EndProject
            Global
              GlobalSection(SolutionConfigurationPlatforms) = preSolution
                Debug|Any CPU = Debug|Any CPU
              EndGlobalSection
              GlobalSection(ProjectConfigurationPlatforms) = postSolution
                {0D3C1A52-0F5C-4B7E-9C66-6D1E7B8F2A10}.Debug|Any CPU.ActiveCfg = Debug|Any CPU
                {0D3C1A52-0F5C-4B7E-9C66-6D1E7B8F2A10}.Debug|Any CPU.Build.0 = Debug|Any CPU
              EndGlobalSection
            EndGlobal
            """);
        Directory.CreateDirectory(Feed);
        UseFeeds(Feed);
    }

    public string Feed => Path.Combine(_folder, "feed");

    public string AnswerFile => Path.Combine(_folder, "clone", "eng", "aspire.generated.props");

    public void UseFeeds(params string[] feeds) => Write("clone/NuGet.config", $"""
        <configuration>
          <packageSources>
            <clear />
            {string.Concat(feeds.Select((feed, i) => $"""<add key="feed{i}" value="{feed}" />"""))}
          </packageSources>
        </configuration>
        """);

    /// <summary>Puts what the program needs of Aspire into the feed: packages of the right names with nothing in them.</summary>
    public void PublishAspire()
    {
        Publish("Aspire.AppHost.Sdk", ("Sdk/Sdk.props", "<Project />"), ("Sdk/Sdk.targets", "<Project />"));
        Publish("Aspire.Hosting.AppHost", ("lib/net10.0/_._", ""));
    }

    public void ClearPackageCache() => Directory.Delete(Path.Combine(_folder, "packages"), recursive: true);

    /// <summary>Runs dotnet in the clone, with the exit code and everything it said.</summary>
    public async Task<BufferedCommandResult> DotnetAsync(params string[] arguments) => await Cli.Wrap("dotnet")
        .WithArguments(arguments)
        .WithWorkingDirectory(Path.Combine(_folder, "clone"))
        .WithValidation(CommandResultValidation.None)
        .WithEnvironmentVariables(Environment)
        .ExecuteBufferedAsync(TestContext.Current.CancellationToken);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>The user's environment, without what a build that runs these tests has put into it.</summary>
    private Dictionary<string, string?> Environment => new()
    {
        ["NUGET_PACKAGES"] = Path.Combine(_folder, "packages"),
        ["NUGET_FALLBACK_PACKAGES"] = null,
        ["NUGET_ENHANCED_MAX_NETWORK_TRY_COUNT"] = "1",
        ["NUGET_ENHANCED_NETWORK_RETRY_DELAY_MILLISECONDS"] = "1",
        ["UseAspire"] = null,
        ["MSBuildSDKsPath"] = null,
        ["MSBuildExtensionsPath"] = null,
        ["MSBUILD_EXE_PATH"] = null,
        ["MSBUILDDISABLENODEREUSE"] = "1",
        ["DOTNET_CLI_UI_LANGUAGE"] = "en",
    };

    private static string Version => System.Text.RegularExpressions.Regex
        .Match(File.ReadAllText(SourceTree.Path("eng/Aspire.targets")), "<AspireVersion>(.+)</AspireVersion>").Groups[1].Value;

    private void Publish(string id, params (string Path, string Content)[] files)
    {
        using var package = ZipFile.Open(Path.Combine(Feed, $"{id}.{Version}.nupkg"), ZipArchiveMode.Create);
        var nuspec = $"""
            <package xmlns="http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd">
              <metadata><id>{id}</id><version>{Version}</version><authors>Konstruct.Tests</authors><description>Empty.</description></metadata>
            </package>
            """;
        foreach (var (path, content) in files.Prepend(($"{id}.nuspec", nuspec)))
        {
            using var entry = package.CreateEntry(path).Open();
            entry.Write(Encoding.UTF8.GetBytes(content));
        }
    }

    private void Write(string path, string content)
    {
        var file = Path.Combine(_folder, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, content);
    }
}
