using System.Text;
using CsCheck;
using Konstruct.AppHost.Standalone;
using Konstruct.AppHost.Standalone.Manifests;
using Konstruct.AppHost.Standalone.Parameters;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Standalone;

/// <summary>A manifest that somebody has edited, badly: it runs, or a sentence says what is wrong with it. Never anything else.</summary>
public sealed class ManifestFuzzTests : IDisposable
{
    private static readonly byte[] Committed = File.ReadAllBytes(Path.Combine(BuiltPrograms.RepositoryRoot, Manifest.FileName));

    private static readonly string[] Pieces =
        ["{", "}", "[", "]", "\"", ":", ",", "null", "7", "{redis.bindings.tcp.port}", "{", "{}", "{a}", "{gateway.", "\"type\"", "project.v0", "value.v0", "\\", "../", "\u0000", "é"];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void It_resolves_or_a_sentence_says_why_not() =>
        Gen.Select(Gen.Int[0, Committed.Length - 1], Gen.Int[0, 40], Gen.OneOf(Pieces)).List[1, 4].Sample(
            edits =>
            {
                var bytes = new List<byte>(Committed);
                foreach (var (at, removed, inserted) in edits)
                {
                    var place = Math.Min(at, bytes.Count);
                    bytes.RemoveRange(place, Math.Min(removed, bytes.Count - place));
                    bytes.InsertRange(place, Encoding.UTF8.GetBytes(inserted));
                }

                Resolve([.. bytes]);
            },
            iter: 3_000,
            threads: 1);

    private void Resolve(byte[] text)
    {
        var file = Path.Combine(_folder.Path, Manifest.FileName);
        File.WriteAllBytes(file, text);
        try
        {
            var manifest = Manifest.Read(file);
            var ports = PortPlan.Make(manifest, new Dictionary<string, int>());
            var parameters = new ParameterValues(Path.Combine(_folder.Path, "kept.json"), new Dictionary<string, string>(), _ => null);
            var resolver = new Resolver(manifest, ports, parameters);
            foreach (var value in manifest.Resources.Values.SelectMany(resource => resource.Env.Values))
                resolver.Resolve(value);
        }
        catch (CannotRunException sentence)
        {
            Assert.NotEmpty(sentence.Message);
        }
    }
}
