using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Konstruct.Contracts.Wire;
using Konstruct.Gateway.Protocol;
using Konstruct.Tests.Clients;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Docs;

/// <summary>
/// One contract in three places: the gateway's types, the client's types and the published document. Whoever changes one of them is told of the others.
/// </summary>
public sealed partial class WireContractTests
{
    private static readonly WireDocument Document = new(Path.Combine(BuiltPrograms.RepositoryRoot, "docs", "reference", "asyncapi.yaml"));
    private static readonly string TypeScript = File.ReadAllText(Path.Combine(NodeTools.Client, "src", "wire.ts"));
    private static readonly Guid Turn = Guid.NewGuid();

    /// <summary>The most and the least that the gateway says in each frame of version 2.</summary>
    public static TheoryData<string, string, string> FramesOfV2 =>
        new()
        {
            {
                "ReadyFrame",
                Text(ServerFrames.Ready("c", [new(Turn, 1, 2)], TimeSpan.FromSeconds(20))),
                Text(ServerFrames.Ready("c", [new(Turn, 1, 0)]))
            },
            { "TypingFrame", Text(ServerFrames.TypingFor(Turn, "m")), Text(ServerFrames.TypingFor(Turn, null)) },
            { "ChunkFrame", Text(ServerFrames.Chunk("x"u8, Turn, 1, 1)), Text(ServerFrames.Chunk("x"u8, Turn, 1, null)) },
            {
                "DoneFrame",
                Text(ServerFrames.Done("x"u8, "c", Turn, 1, TurnOutcome.Completed)),
                Text(ServerFrames.Done(""u8, "c", Turn, 1, TurnOutcome.Failed))
            },
            { "PongFrame", Text(ServerFrames.Pong), Text(ServerFrames.Pong) },
            { "ResetFrame", Text(ServerFrames.Reset(Turn, 2)), Text(ServerFrames.Reset(Turn, 2)) },
            {
                "ErrorFrame",
                Text(ServerFrames.Error(WireError.TooManyMessages, Turn, "m", TimeSpan.FromSeconds(1))),
                Text(ServerFrames.Error(WireError.BadFrame, null, null))
            },
        };

    public static TheoryData<string, string, string> FramesOfV1 =>
        new()
        {
            { "TypingFrameV1", Text(ServerFrames.Typing), Text(ServerFrames.Typing) },
            { "ChunkFrameV1", Text(ChunkOfV1("x"u8)), Text(ChunkOfV1("x"u8)) },
            { "DoneFrameV1", Text(ServerFrames.Done("x"u8, "c")), Text(ServerFrames.Done(""u8, "c")) },
            { "ErrorFrameV1", Text(ServerFrames.Error(WireError.BadFrame)), Text(ServerFrames.Error(WireError.BadFrame)) },
        };

    [Theory]
    [MemberData(nameof(FramesOfV2))]
    [MemberData(nameof(FramesOfV1))]
    public void The_gateways_frames_are_the_documents(string schema, string most, string least)
    {
        var members = Document.Schemas[schema].Members;

        Assert.Equal(members.Select(m => m.Name), NamesOf(most));
        Assert.Equal(members.Where(m => !m.IsOptional).Select(m => m.Name), NamesOf(least));
        AssertTypes(schema, JsonDocument.Parse(most).RootElement);
    }

    [Fact]
    public void The_document_has_no_other_frames_of_the_gateways()
    {
        Assert.Equal(Names(FramesOfV2), Document.FramesOf("v2Send").Order(StringComparer.Ordinal));
        Assert.Equal(Names(FramesOfV1), Document.FramesOf("v1Send").Order(StringComparer.Ordinal));

        static IEnumerable<string> Names(TheoryData<string, string, string> frames) =>
            frames.Select(frame => frame.Data.Item1).Order(StringComparer.Ordinal);
    }

    [Theory]
    [InlineData("v1Receive")]
    [InlineData("v2Receive")]
    public void The_gateway_reads_every_member_of_the_documents_frames(string operation)
    {
        foreach (var schema in Document.FramesOf(operation))
        {
            var members = Document.Schemas[schema].Members;
            var frame = ClientFrame.Parse(
                Encoding.UTF8.GetBytes(
                    $"{{{string.Join(',', members.Select(m => $"\"{m.Name}\":{(m.Type == "number" ? "7" : m.Name == "type" ? $"\"{m.Type.Trim('\'')}\"" : $"\"{m.Name}\"")}"))}}}"
                )
            );

            Assert.Equal(members[0].Type.Trim('\''), frame.Kind.ToString().ToLowerInvariant());
            foreach (var member in members.Where(m => m.Name != "type"))
            {
                Assert.Equal(member.Type == "number" ? 7 : member.Name, PropertyOf(member.Name).GetValue(frame));
            }
        }
    }

    [Fact]
    public void The_gateway_reads_nothing_that_is_not_in_the_document()
    {
        var documented = Document
            .FramesOf("v2Receive")
            .SelectMany(schema => Document.Schemas[schema].Members)
            .Select(m => m.Name.ToLowerInvariant())
            .ToHashSet();
        var read = typeof(ClientFrame)
            .GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Select(p => p.Name.ToLowerInvariant())
            .Where(name => name != "kind");
        Assert.Equal(documented.Where(name => name != "type").Order(StringComparer.Ordinal), read.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_clients_interfaces_are_the_documents()
    {
        var interfaces = Interface()
            .Matches(TypeScript)
            .ToDictionary(
                match => match.Groups[1].Value,
                match =>
                    Member()
                        .Matches(match.Groups[2].Value)
                        .Select(m => new WireMember(m.Groups[1].Value, m.Groups[3].Value, m.Groups[2].Length > 0))
                        .ToList()
            );
        var objects = Document.Schemas.Where(s => s.Value.Members.Count > 0 && !s.Key.EndsWith("V1", StringComparison.Ordinal));

        Assert.Equal(objects.Select(s => s.Key).Order(StringComparer.Ordinal), interfaces.Keys.Order(StringComparer.Ordinal));
        foreach (var (name, schema) in objects)
        {
            Assert.Equal(schema.Members, interfaces[name]);
        }
    }

    [Theory]
    [InlineData("ErrorCode")]
    [InlineData("TurnReason")]
    public void The_clients_words_are_the_documents(string name)
    {
        var union = Regex.Match(TypeScript, $@"export type {name} =([^;]+);").Groups[1].Value;
        Assert.Equal(Document.Schemas[name].Words, Word().Matches(union).Select(word => word.Groups[1].Value));
    }

    [Fact]
    public void The_errors_are_the_gateways()
    {
        Assert.Equal(WireError.All.Select(error => (error.Code, error.Retryable)), Document.Errors);
        Assert.Equal(WireError.All.Select(error => error.Code), Document.Schemas["ErrorCode"].Words);
    }

    [Fact]
    public void The_reasons_are_the_gateways() =>
        Assert.Equal([TurnOutcome.Completed, TurnOutcome.Cancelled, TurnOutcome.Failed], Document.Schemas["TurnReason"].Words);

    [Fact]
    public void The_close_codes_are_the_gateways_and_the_clients()
    {
        var ofGateway = typeof(CloseCodes)
            .GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(field => (JsonNamingPolicy.CamelCase.ConvertName(field.Name), (int)field.GetRawConstantValue()!));
        var ofClient = CloseCode()
            .Matches(TypeScript)
            .Select(m => (m.Groups[1].Value, int.Parse(m.Groups[2].Value, System.Globalization.CultureInfo.InvariantCulture), m.Groups[3].Value));

        Assert.Equal(ofGateway, Document.CloseCodes.Select(c => (c.Name, c.Code)));
        Assert.Equal(Document.CloseCodes, ofClient);
    }

    [Fact]
    public void The_subprotocol_is_one()
    {
        Assert.Equal(ProtocolVersion.V2, Document.Subprotocol);
        Assert.Contains($"export const subprotocol = '{ProtocolVersion.V2}';", TypeScript, StringComparison.Ordinal);
    }

    private static void AssertTypes(string schema, JsonElement value)
    {
        foreach (var member in Document.Schemas[schema].Members)
        {
            var actual = value.GetProperty(member.Name);
            switch (member.Type)
            {
                case "string":
                    Assert.Equal(JsonValueKind.String, actual.ValueKind);
                    break;
                case "number":
                    Assert.True(actual.TryGetInt32(out _), member.Name);
                    break;
                case "boolean":
                    Assert.True(actual.ValueKind is JsonValueKind.True or JsonValueKind.False, member.Name);
                    break;
                case ['\'', .. var word, '\'']:
                    Assert.Equal(word, actual.GetString());
                    break;
                case [.. var item, '[', ']']:
                    AssertTypes(item, Assert.Single(actual.EnumerateArray()));
                    break;
                default:
                    Assert.Contains(actual.GetString()!, Document.Schemas[member.Type].Words);
                    break;
            }
        }
    }

    private static PropertyInfo PropertyOf(string name) =>
        typeof(ClientFrame).GetProperty(name, BindingFlags.Public | BindingFlags.Instance | BindingFlags.IgnoreCase)
        ?? throw new InvalidOperationException($"The gateway does not read '{name}'.");

    private static IEnumerable<string> NamesOf(string frame) => JsonDocument.Parse(frame).RootElement.EnumerateObject().Select(p => p.Name);

    private static ReadOnlyMemory<byte> ChunkOfV1(ReadOnlySpan<byte> escapedText)
    {
        var frame = new byte[ServerFrames.ChunkLength(escapedText.Length)];
        ServerFrames.WriteChunk(frame, escapedText);
        return frame;
    }

    private static string Text(ReadOnlyMemory<byte> frame) => Encoding.UTF8.GetString(frame.Span);

    [GeneratedRegex(@"export interface (\w+) \{\n(.*?)\n\}", RegexOptions.Singleline)]
    private static partial Regex Interface();

    [GeneratedRegex(@"^  (\w+)(\?)?: (.+);$", RegexOptions.Multiline)]
    private static partial Regex Member();

    [GeneratedRegex(@"'(\w+)'")]
    private static partial Regex Word();

    [GeneratedRegex(@"^  (\w+): \{ code: (\d+), again: '(\w+)' \},$", RegexOptions.Multiline)]
    private static partial Regex CloseCode();
}
