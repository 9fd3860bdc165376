using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Clients;

/// <summary>The client as a package: what <c>npm pack</c> makes of it serves a TypeScript project that has nothing else.</summary>
[Trait("Tier", "Long")]
public sealed class PackageTests
{
    private const string Program = """
        import { ChatClient, ChatError, type Turn, type TurnStep } from '@konstruct/chat';
        import { WebSocket } from 'ws';

        const chat = new ChatClient({
          url: 'https://gateway.example',
          conversationId: '40000000-0000-4000-8000-000000000001',
          credentials: async () => ({ token: 'a token' }),
          WebSocket,
        });
        chat.on('state', ({ state, retryIn, error }) => console.log(state, retryIn, error?.message));
        const turn: Turn = chat.send('Hello', { signal: AbortSignal.timeout(1000) });
        for await (const step of turn) console.log((step satisfies TurnStep).text);
        if (turn.error instanceof ChatError && turn.error.code === 'too_many_messages') console.log(turn.retryAt);
        // @ts-expect-error Fields are for reading.
        turn.status = 'completed';
        // @ts-expect-error What the client keeps to itself is not declared.
        turn.append('x');
        """;

    [Theory]
    [InlineData("nodenext", true)]
    [InlineData("nodenext", false)]
    [InlineData("bundler", false)]
    public async Task It_installs_into_an_empty_project_and_compiles(string resolution, bool skipsLibCheck)
    {
        using var project = new TemporaryFolder();
        var copy = await NodeTools.ClientCopyAsync();
        await RunAsync("npm", ["pack", "--pack-destination", project.Path], copy);
        var package = Assert.Single(Directory.EnumerateFiles(project.Path, "*.tgz"));
        await File.WriteAllTextAsync(
            Path.Combine(project.Path, "package.json"),
            """{"type":"module","private":true}""",
            TestContext.Current.CancellationToken
        );
        await File.WriteAllTextAsync(Path.Combine(project.Path, "main.ts"), Program, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(
            Path.Combine(project.Path, "tsconfig.json"),
            $$"""
            {"compilerOptions":{"strict":true,"skipLibCheck":{{(
                skipsLibCheck ? "true" : "false"
            )}},"noEmit":true,"target":"es2022","lib":["es2023","dom"],
            "module":"{{(resolution == "bundler" ? "esnext" : "nodenext")}}","moduleResolution":"{{resolution}}","types":[]},"files":["main.ts"]}
            """,
            TestContext.Current.CancellationToken
        );
        await RunAsync(
            "npm",
            [
                "install",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--prefer-offline",
                package,
                "typescript@7.0.2",
                "ws@8.23.0",
                "@types/ws@8.18.2",
            ],
            project.Path
        );
        await RunAsync(Path.Combine(project.Path, "node_modules", ".bin", "tsc"), ["-p", "."], project.Path);

        var installed = Path.Combine(project.Path, "node_modules", "@konstruct", "chat");
        Assert.True(File.Exists(Path.Combine(installed, "README.md")) && File.Exists(Path.Combine(installed, "LICENSE")));
        Assert.False(Directory.Exists(Path.Combine(installed, "test")));
    }

    [Fact]
    public async Task It_is_without_a_fault_that_the_linter_knows() => await RunAsync("npm", ["run", "lint"], await NodeTools.ClientCopyAsync());

    private static async Task RunAsync(string program, IEnumerable<string> arguments, string folder)
    {
        var (exitCode, output) = await NodeTools.RunAsync(program, arguments, folder);
        Assert.True(exitCode == 0, output);
    }
}
