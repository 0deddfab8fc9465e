// Checks a log with the Go tools for checksum databases, which were written without knowledge of this one.
//
// Reads a JSON document (type logFiles) on standard input, and tiles from the folder that it names; opens the checkpoint,
// reads every tile through tlog's authenticating reader, checks the given proofs and compares them with tlog's own.
// Prints one line for each kind of thing that held; exits 1 with the first that did not.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const tileHeight = 8

type inclusion struct {
	Index int64
	Leaf  []byte
	Proof [][]byte
}

type consistency struct {
	Size  int64
	Root  []byte
	Proof [][]byte
}

type logFiles struct {
	VerifierKey string
	Note        []byte
	Origin      string
	Tiles       string
	Leaves      [][]byte
	Inclusion   []inclusion
	Consistency []consistency
}

func main() {
	if err := check(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func check() error {
	var files logFiles
	if err := json.NewDecoder(os.Stdin).Decode(&files); err != nil {
		return fmt.Errorf("input: %w", err)
	}
	tree, err := openCheckpoint(files)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	fmt.Println("checkpoint", tree.N)
	reader := tlog.TileHashReader(tree, folder(files.Tiles))
	if err := checkLeaves(files, tree, reader); err != nil {
		return fmt.Errorf("tiles: %w", err)
	}
	fmt.Println("leaves", len(files.Leaves))
	tiles, err := checkTiles(files, tree, reader)
	if err != nil {
		return fmt.Errorf("tiles: %w", err)
	}
	fmt.Println("tiles", tiles)
	for _, given := range files.Inclusion {
		if err := checkInclusion(given, tree, reader); err != nil {
			return fmt.Errorf("inclusion of %d: %w", given.Index, err)
		}
	}
	fmt.Println("inclusion", len(files.Inclusion))
	for _, given := range files.Consistency {
		if err := checkConsistency(given, tree, reader); err != nil {
			return fmt.Errorf("consistency with %d: %w", given.Size, err)
		}
	}
	fmt.Println("consistency", len(files.Consistency))
	return nil
}

func openCheckpoint(files logFiles) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(files.VerifierKey)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(files.Note, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	// tlog reads a checkpoint with a fixed first line, so the origin is taken off here
	rest := strings.TrimPrefix(opened.Text, files.Origin+"\n")
	if rest == opened.Text {
		return tlog.Tree{}, fmt.Errorf("origin %q is not the first line", files.Origin)
	}
	return tlog.ParseTree([]byte("go.sum database tree\n" + rest))
}

func checkLeaves(files logFiles, tree tlog.Tree, reader tlog.HashReader) error {
	if int64(len(files.Leaves)) != tree.N {
		return fmt.Errorf("%d leaves in a tree of %d", len(files.Leaves), tree.N)
	}
	var indexes []int64
	for n := range files.Leaves {
		indexes = append(indexes, tlog.StoredHashIndex(0, int64(n)))
	}
	hashes, err := reader.ReadHashes(indexes)
	if err != nil {
		return err
	}
	for n, leaf := range files.Leaves {
		if hashes[n] != tlog.RecordHash(leaf) {
			return fmt.Errorf("leaf %d has another hash", n)
		}
	}
	return nil
}

// checkTiles compares the bytes of every file with what tlog would write for the tree, and counts them.
func checkTiles(files logFiles, tree tlog.Tree, reader tlog.HashReader) (int, error) {
	tiles := tlog.NewTiles(tileHeight, 0, tree.N)
	count := 0
	for i, tile := range tiles {
		// tlog lists a partial tile at every width; a log has it at the width of its size
		if i+1 < len(tiles) && tiles[i+1].L == tile.L && tiles[i+1].N == tile.N {
			continue
		}
		count++
		own, err := tlog.ReadTileData(tile, reader)
		if err != nil {
			return 0, err
		}
		read, err := folder(files.Tiles).ReadTiles([]tlog.Tile{tile})
		if err != nil {
			return 0, err
		}
		if !bytes.Equal(own, read[0]) {
			return 0, fmt.Errorf("%s differs from tlog's", tile.Path())
		}
	}
	return count, nil
}

func checkInclusion(given inclusion, tree tlog.Tree, reader tlog.HashReader) error {
	proof := tlog.RecordProof(hashes(given.Proof))
	if err := tlog.CheckRecord(proof, tree.N, tree.Hash, given.Index, tlog.RecordHash(given.Leaf)); err != nil {
		return err
	}
	own, err := tlog.ProveRecord(tree.N, given.Index, reader)
	if err != nil {
		return err
	}
	return same(proof, own)
}

func checkConsistency(given consistency, tree tlog.Tree, reader tlog.HashReader) error {
	proof := tlog.TreeProof(hashes(given.Proof))
	if err := tlog.CheckTree(proof, tree.N, tree.Hash, given.Size, hash(given.Root)); err != nil {
		return err
	}
	own, err := tlog.ProveTree(tree.N, given.Size, reader)
	if err != nil {
		return err
	}
	return same(proof, own)
}

func same(given, own []tlog.Hash) error {
	if len(given) != len(own) {
		return fmt.Errorf("%d hashes, tlog has %d", len(given), len(own))
	}
	for i := range given {
		if given[i] != own[i] {
			return fmt.Errorf("hash %d differs from tlog's", i)
		}
	}
	return nil
}

func hashes(given [][]byte) []tlog.Hash {
	var result []tlog.Hash
	for _, one := range given {
		result = append(result, hash(one))
	}
	return result
}

func hash(given []byte) (result tlog.Hash) {
	if len(given) != tlog.HashSize {
		panic(fmt.Sprintf("a hash of %d bytes", len(given)))
	}
	copy(result[:], given)
	return result
}

// folder reads tiles as C2SP tlog-tiles names them: tlog's paths say the height, which is always 8 there.
type folder string

func (f folder) Height() int { return tileHeight }

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var data [][]byte
	for _, tile := range tiles {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		read, err := os.ReadFile(filepath.Join(string(f), filepath.FromSlash(path)))
		if err != nil {
			return nil, err
		}
		data = append(data, read)
	}
	return data, nil
}

func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}
